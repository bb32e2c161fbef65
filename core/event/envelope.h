/*
 * envelope: an event of the outbox as a CloudEvent 1.0, for everybody outside of this process.
 *
 *   id               UUID of the event; the same however often it is delivered
 *   source           "/salesd"
 *   type             "sales.lead.created", see agent/event.h
 *   subject          id of the record
 *   time             when it was written, UTC, microseconds
 *   datacontenttype  "application/json"; in protobuf "application/protobuf"
 *   dataschema       "urn:salesd:sales.v1.Lead": the message type of the data
 *   tenantid         UUID of the tenant
 *   sequence         place in commit order: of two events of a tenant the one with the lower text
 * came first; also stable datastate        full, thin, erased or damaged: what the data holds
 *   traceparent      of the request that caused it; left out when there was none
 *
 * Data is the record after the change, as proto3 JSON (or packed), in one of two forms:
 *
 *   thin   ids, times, and the columns of records.def that are never personal data (status, score,
 *          grade, owner, stage, amount, ...). What Redis, webhooks by default and tenants in HIPAA
 *          mode get: no copy of a person leaves the store, so erasing one there is enough
 *   full   the whole record, personal data included
 *
 * An event whose record was erased since, or that fails its authentication, has no data.
 */
#ifndef EVENT_ENVELOPE_H
#define EVENT_ENVELOPE_H

#include "store/store.h"

enum envelope_form { ENVELOPE_THIN, ENVELOPE_FULL };

struct envelope {
    const struct event *event;
    str tenant; /* the tenant's UUID */
    enum envelope_form form;
};

/* JSON, structured mode (application/cloudevents+json), one object without line breaks, in
 * c->arena. INTERNAL: the data does not fit its kind. */
MUST_CHECK enum status envelope_json(struct call *c, const struct envelope *e, str *out);

/* Packed io.cloudevents.v1.CloudEvent with the data as proto_data
 * (application/cloudevents+protobuf), in c->arena. */
MUST_CHECK enum status envelope_protobuf(struct call *c, const struct envelope *e, str *out);

#endif
