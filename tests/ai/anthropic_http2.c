/* The Messages API over TLS and HTTP/2: calls side by side share a connection, and a certificate
 * that nobody vouches for is no service. */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "ai/desk.h"

enum { CALLS = 40, PATH_BYTES = 256 };

static struct standin standin;
static char ca[PATH_BYTES];

static void calls_share_connections(void)
{
    struct anthropic_options o = desk_options(standin.url);
    static struct desk_told told[CALLS];
    long peers[CALLS];
    size_t n_peers = 0;
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    standin_admin(&standin, &c, "/latency", "{\"provider\":\"anthropic\",\"ms\":30}");
    o.ca_file = ca;
    struct ai_provider *p = desk_open(&o);

    for (int i = 0; i < CALLS; i++)
        desk_start(p, &told[i], "over HTTP/2", NULL);
    for (int i = 0; i < CALLS; i++) {
        desk_wait(&told[i]);
        EXPECT(!told[i].error && told[i].is_text_whole, "%d", told[i].error);
    }
    ai_close(p);
    str body = standin_admin(&standin, &c, "/requests?provider=anthropic", NULL);
    json_t *root = json_loadb(body.p, body.n, 0, NULL), *rows = json_object_get(root, "requests");

    EXPECT(json_array_size(rows) == CALLS, "%zu requests", json_array_size(rows));
    for (size_t i = 0; i < json_array_size(rows) && i < CALLS; i++) {
        const json_t *row = json_array_get(rows, i);
        long peer = (long)json_integer_value(json_object_get(row, "peer"));
        size_t at = 0;

        EXPECT(strcmp(json_string_value(json_object_get(row, "http")), "2.0") == 0, "version");
        while (at < n_peers && peers[at] != peer)
            at++;
        if (at == n_peers)
            peers[n_peers++] = peer;
    }
    EXPECT(n_peers <= 2, "%zu connections for %d calls, 20 at once", n_peers, CALLS);
    json_decref(root);
    call_release(&c);
}

static void faults_of_a_stream_end_that_call_alone(void)
{
    struct anthropic_options o = desk_options(standin.url);
    struct desk_told good, bad;
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    standin_admin(
        &standin, &c, "/faults",
        "{\"provider\":\"anthropic\",\"body\":\"cut-me\",\"fault\":\"sse-truncate;after=5\"}");
    o.ca_file = ca;
    struct ai_provider *p = desk_open(&o);

    desk_start(p, &bad, "cut-me", NULL);
    desk_start(p, &good, "and let me go", NULL);
    desk_wait(&bad);
    desk_wait(&good);
    EXPECT(bad.error == AI_ERROR_CUT && bad.n_pieces > 0, "%d", bad.error);
    EXPECT(!good.error, "%d", good.error);
    ai_close(p);
    call_release(&c);
}

static void an_unknown_authority_is_no_connection(void)
{
    const struct anthropic_options o = desk_options(standin.url); /* the system's authorities */
    struct ai_provider *p = desk_open(&o);
    struct desk_told told;

    desk_start(p, &told, "who are you", NULL);
    desk_wait(&told);
    EXPECT(told.error == AI_ERROR_CONNECTION && told.n_attempts == 3, "%d", told.error);
    ai_close(p);
}

int main(void)
{
    char dir[] = "/tmp/ai_http2_XXXXXX", key[PATH_BYTES];

    if (!mkdtemp(dir))
        return 1;
    snprintf(ca, sizeof ca, "%s/cert.pem", dir);
    snprintf(key, sizeof key, "%s/key.pem", dir);
    standin_start_tls(&standin, dir);
    calls_share_connections();
    faults_of_a_stream_end_that_call_alone();
    an_unknown_authority_is_no_connection();
    standin_stop(&standin);
    unlink(ca);
    unlink(key);
    rmdir(dir);
    printf("%d complaints\n", atomic_load(&desk_n_bad));
    return atomic_load(&desk_n_bad) != 0;
}
