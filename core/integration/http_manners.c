/* Options that the client on the caller's thread and the loop have in common. */
#include "integration/http_manners.h"

#include <pthread.h>

#include "base/banned.h"

static const char *const METHODS[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

static void init_library(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_init_library(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, init_library);
}

void http_set_manners(CURL *curl, enum http_reach reach, int64_t timeout_ms)
{
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms > 0 ? (long)timeout_ms : 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); /* a slow resolver must not outlast TIMEOUT */
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, reach == HTTP_PUBLIC ? "https" : "https,http");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, (long)HTTP_KEEP_S);
    if (reach == HTTP_PUBLIC) /* no part of the guard, which judges each address connected to: only
                                 that customers who move are followed at once */
        curl_easy_setopt(curl, CURLOPT_DNS_CACHE_TIMEOUT, (long)HTTP_NAME_KEEP_S);
}

void http_set_method(CURL *curl, enum http_method method, str body)
{
    if (method == HTTP_GET)
        return;
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.p ? body.p : "");
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, METHODS[method]);
}

static bool has_line_break(str s)
{
    return s.n && (memchr(s.p, '\r', s.n) || memchr(s.p, '\n', s.n) || memchr(s.p, '\0', s.n));
}

bool http_add_field(struct curl_slist **list, str name, str value)
{
    size_t n = name.n + value.n + sizeof ": ";
    char *line = has_line_break(name) || has_line_break(value) ? NULL : malloc(n);

    if (!line)
        return false;
    snprintf(line, n, STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(value));
    struct curl_slist *longer = curl_slist_append(*list, line);

    explicit_bzero(line, n);
    free(line);
    *list = longer ? longer : *list;
    return longer != NULL;
}

void http_drop_fields(struct curl_slist *list)
{
    for (struct curl_slist *l = list; l; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
    curl_slist_free_all(list);
}
