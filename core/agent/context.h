/* context: what every agent works with. Long-lived, shared by all threads, made by main. */
#ifndef AGENT_CONTEXT_H
#define AGENT_CONTEXT_H

#include "agent/feed.h"
#include "agent/policy.h"
#include "store/store.h"

struct ai_models;
struct ai_provider;
struct calendar;
struct enrichment;
struct guard;
struct http_client;
struct model_uses;
struct server_info;
struct training_board;
struct usage;
struct webhook_meter;
struct webhook_share;

struct agents {
    struct store *store;
    struct policies *policies; /* what each tenant allows and defines */
    struct feed *feed;         /* tells watchers of this process that something was committed */
    struct model_uses *models; /* agent/model_use.h: models of tenants, ready to predict */
    struct training_board *trainings;    /* agent/training_board.h: how far they are */
    struct webhook_share *webhook_share; /* agent/webhook_share.h: who may keep threads waiting */

    /* What main adds after agents_init; all may stay empty. */
    const struct server_info *info;            /* agent/server_info.h */
    struct usage *usage;                       /* agent/usage.h */
    struct http_client *http;                  /* integration/http.h: requests to other services */
    struct guard *guard;                       /* ai/guarded_call.h: how a model is asked */
    struct ai_provider *ai;                    /* ai/provider.h: behind it, nothing guards */
    const struct ai_models *ai_models;         /* ai/models.h */
    const struct webhook_meter *webhook_meter; /* agent/webhook_meter.h */
    struct calendar *calendar; /* integration/calendar.h: outside of the server; NULL: none */
    int64_t retrain_days;      /* a model older than this is trained again; 0: only when asked */
    struct enrichment *enrichment; /* agent/enrichment.h; NULL: nothing is asked outside */
    struct {
        void (*fn)(void *context, struct uuid key_id); /* thread-safe */
        void *context;
    } forget_key; /* makes a revoked API key useless on this server at once */
    struct {
        void (*fn)(void *context); /* thread-safe */
        void *context;
    } forget_tenants; /* the state of tenants counts on this server at once */
};

/* Fills *a over a store that outlives it. EXHAUSTED: out of memory, *a is zeroed. */
MUST_CHECK enum status agents_init(struct call *c, struct agents *a, struct store *s);
void agents_release(struct agents *a); /* zeroed is fine */

#endif
