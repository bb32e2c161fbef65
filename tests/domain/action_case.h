/* action_case: a scenario of tests/data/recommendations: facts on record as JSON, in the words of
 * the contract, and what is to be advised. */
#ifndef DOMAIN_ACTION_CASE_H
#define DOMAIN_ACTION_CASE_H

#include <jansson.h>

#include "domain/action.h"

struct action_case {
    struct arena arena;
    const json_t *json;
    struct action_scene scene;
    struct action_past past;
    struct action_facts facts;
    struct action_ask ask;
    struct action_tally tallies[ACTIONS];
};

/* Reads the scenario; fails the test on a field that the contract does not know. */
void action_case_open(struct action_case *k, const json_t *json);
void action_case_close(struct action_case *k);

/* A message of the contract from an object: fields by name, enums without their prefix, times as
 * "-3d", "+2h" or a number of seconds since 1970, attributes as an object. */
ProtobufCMessage *action_case_message(struct action_case *k, const ProtobufCMessageDescriptor *d,
                                      const json_t *json);

#endif
