/* A short list searched from its newest end: what was used last is most likely still open. */
#include "integration/http_pool.h"

#include "base/banned.h"

static CURL *remove_at(struct http_pool *p, size_t at)
{
    CURL *curl = p->idle[at].curl;

    p->n_idle--;
    memmove(&p->idle[at], &p->idle[at + 1], (p->n_idle - at) * sizeof *p->idle);
    return curl;
}

CURL *http_pool_take(struct http_pool *p, enum http_reach reach, const char *origin)
{
    CURL *found = NULL;

    pthread_mutex_lock(&p->lock);
    for (size_t i = p->n_idle; i-- > 0 && !found;)
        if (p->idle[i].reach == reach && strcmp(p->idle[i].origin, origin) == 0)
            found = remove_at(p, i);
    pthread_mutex_unlock(&p->lock);
    return found ? found : curl_easy_init();
}

void http_pool_give(struct http_pool *p, enum http_reach reach, const char *origin, CURL *curl)
{
    struct http_idle one = {.curl = curl, .reach = reach};
    CURL *oldest = NULL;

    curl_easy_reset(curl); /* keeps the connection, forgets everything else */
    memcpy(one.origin, origin, strlen(origin) + 1);
    pthread_mutex_lock(&p->lock);
    if (p->n_idle == HTTP_IDLE_MAX)
        oldest = remove_at(p, 0);
    p->idle[p->n_idle++] = one;
    pthread_mutex_unlock(&p->lock);
    if (oldest)
        curl_easy_cleanup(oldest);
}

void http_pool_release(struct http_pool *p)
{
    while (p->n_idle)
        curl_easy_cleanup(p->idle[--p->n_idle].curl);
    pthread_mutex_destroy(&p->lock);
}
