/*
 * usage: http_probe [-4 ALLOW] [-r NAME:PORT:ADDRESS] [-a CA] [-t MS] [-b BYTES] [-H NAME:VALUE]
 *                   [-d BODY] [-o] URL...
 * Sends one request for each URL with one client and prints one JSON line for each answer. -o: as
 * operators' URLs; so is one behind a '+'. -d: POST. -c: as if the caller gave up.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "integration/http.h"

enum { LINE_BYTES = 4 << 20 };

struct probe {
    struct http_options options;
    struct address_guard guard;
    struct http_request request;
    struct http_field field;
    atomic_bool cancelled;
};

static void option(struct probe *p, int letter, const char *value)
{
    static const char *resolve[1];

    switch (letter) {
    case '4':
        if (!address_ranges_parse(str_of(value), p->guard.allow, &p->guard.n_allow))
            exit(2);
        break;
    case 'r':
        resolve[0] = value;
        p->options.resolve = resolve;
        p->options.n_resolve = 1;
        break;
    case 'a': p->options.ca_file = value; break;
    case 't': p->request.timeout_ms = strtol(value, NULL, 10); break;
    case 'b': p->request.body_max = strtoul(value, NULL, 10); break;
    case 'H':
        p->field.value = str_of(value);
        p->field.name = str_cut(&p->field.value, ':');
        p->request.fields = &p->field;
        p->request.n_fields = 1;
        break;
    case 'd':
        p->request.body = str_of(value);
        p->request.method = HTTP_POST;
        break;
    case 'o': p->request.reach = HTTP_OPERATOR; break;
    case 'c': atomic_store(&p->cancelled, true); break;
    default: exit(2);
    }
}

static void print(struct call *c, enum status s, const struct http_response *r)
{
    struct buf b;

    buf_init(&b, &c->arena, LINE_BYTES);
    buf_printf(&b, "{\"status\":\"%s\",\"reason\":\"%s\",\"why\":", status_name(s),
               c->fault.reason ? c->fault.reason : "");
    buf_put_json(&b, str_of(c->fault.why));
    buf_printf(&b, ",\"http\":%d,\"cut\":%s,\"took_ms\":%" PRId64 ",\"fields\":%zu,\"etag\":",
               r->status, r->cut ? "true" : "false", r->took_ns / 1000000, r->n_fields);
    buf_put_json(&b, http_header(r, STR("ETag")));
    buf_put(&b, STR(",\"body\":"));
    buf_put_json(&b, r->body);
    buf_put(&b, STR("}"));
    puts(buf_ok(&b) ? buf_str(&b).p : "{}");
}

int main(int argc, char **argv)
{
    struct probe p = {.options = {.user_agent = "salesd/test"}};
    int letter;

    while ((letter = getopt(argc, argv, "4:r:a:t:b:H:d:oc")) != -1)
        option(&p, letter, optarg);
    p.options.guard = &p.guard;
    struct http_client *h = http_client_open(&p.options);
    bool is_all_operators = p.request.reach == HTTP_OPERATOR;

    for (int i = optind; i < argc; i++) {
        struct call c;
        struct http_response r;

        call_init(&c, NULL, CALL_ARENA_BYTES);
        c.cancelled = &p.cancelled;
        bool is_operators = argv[i][0] == '+';

        if (is_operators)
            p.request.reach = HTTP_OPERATOR;
        else if (!is_all_operators)
            p.request.reach = HTTP_PUBLIC;
        p.request.url = str_of(argv[i] + is_operators);
        print(&c, http_send(h, &c, &p.request, &r), &r);
        call_release(&c);
    }
    http_client_close(h);
    return 0;
}
