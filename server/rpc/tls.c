/* Credentials whose certificate may change under them. The core asks `fetch` at every handshake,
 * per address; the files are looked at once for all addresses, under one lock. */
#include "rpc/tls.h"

#include <grpc/grpc_security.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "rpc/certificate.h"
#include "rpc/internal.h"

enum { GENERATION_NONE = 0 };

/* One address: the core keeps what it was given last, for each by itself. */
struct tls_port {
    struct rpc_tls *tls;
    uint64_t shown; /* generation; guarded by tls->lock */
};

struct rpc_tls {
    const struct rpc_server *server;
    const char *paths[CERTIFICATE_FILES];
    struct tls_port ports[RPC_ADDRESSES_MAX];
    size_t n_ports;

    pthread_mutex_t lock; /* guards everything below */
    struct certificate current;
    uint64_t generation; /* of current; counts up */
    struct file_stamp tried[CERTIFICATE_FILES];
    bool is_settled; /* the stamps tried can be trusted */
    bool is_refused; /* the files of those stamps did not work */
};

/* News to be told when the lock is off; holds what they point to. */
struct telling {
    bool is_due;
    struct rpc_tls_news news;
    char serial[CERTIFICATE_SERIAL_BYTES], why[CERTIFICATE_WHY_BYTES];
};

static void tell(const struct rpc_tls *t, struct telling *told)
{
    const struct rpc_options *o = &t->server->o;

    if (!told->is_due)
        return;
    told->news.why = told->why;
    told->news.serial = told->serial;
    if (o->tls_news)
        o->tls_news(o->context, &told->news);
    else if (told->news.event == RPC_TLS_REFUSED)
        rpc_log(t->server, RPC_LOG_ERROR, "tls: the old certificate stays: %s", told->why);
}

/* Takes what is in the files now when it works. False: it does not, told->why says why. */
static bool refresh(struct rpc_tls *t, struct telling *told)
{
    struct certificate next;
    bool is_known;

    if (t->is_settled && !certificate_is_stale(t->paths, t->tried))
        return !t->is_refused;
    told->news.event =
        certificate_load(t->paths, &next, told->why) ? RPC_TLS_LOADED : RPC_TLS_REFUSED;
    is_known = t->is_refused && certificate_same_stamps(next.stamps, t->tried);
    memcpy(t->tried, next.stamps, sizeof t->tried);
    t->is_settled = next.is_settled;
    t->is_refused = told->news.event == RPC_TLS_REFUSED;
    if (t->is_refused) {
        told->is_due = !is_known;
        return false;
    }
    if (t->generation && certificate_same_text(&next, &t->current)) {
        certificate_release(&next);
        return true;
    }
    certificate_release(&t->current);
    t->current = next;
    t->generation++;
    told->is_due = true;
    told->news.expires_s = next.expires_s;
    told->news.is_expired = next.expires_s < time(NULL);
    memcpy(told->serial, next.serial, sizeof told->serial);
    return true;
}

static grpc_ssl_certificate_config_reload_status fetch(void *arg,
                                                       grpc_ssl_server_certificate_config **out)
{
    struct tls_port *p = arg;
    struct rpc_tls *t = p->tls;
    struct telling told = {.is_due = false};
    char *const *pem = t->current.pem;

    *out = NULL;
    pthread_mutex_lock(&t->lock);
    (void)refresh(t, &told); /* what does not work was told, and the old one stays */
    if (p->shown != t->generation) {
        grpc_ssl_pem_key_cert_pair own = {pem[CERTIFICATE_KEY], pem[CERTIFICATE_CHAIN]};
        const char *roots = pem[CERTIFICATE_CLIENT_CA];

        /* 1.51 aborts without roots, also when it asks nobody for a certificate. */
        *out = grpc_ssl_server_certificate_config_create(roots ? roots : own.cert_chain, &own, 1);
        p->shown = t->generation;
    }
    pthread_mutex_unlock(&t->lock);
    tell(t, &told);
    return *out ? GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW
                : GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
}

grpc_server_credentials *rpc_tls_credentials(struct rpc_tls *t)
{
    bool asks = t->paths[CERTIFICATE_CLIENT_CA] != NULL;
    struct tls_port *p = &t->ports[t->n_ports++];

    assert(t->n_ports <= RPC_ADDRESSES_MAX);
    *p = (struct tls_port){t, GENERATION_NONE};
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            asks ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                 : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            fetch, p));
}

static const char *path_of(const char *path)
{
    return path && *path ? path : NULL;
}

enum status rpc_tls_new(const struct rpc_server *s, struct rpc_tls **out, char *why_out)
{
    const struct rpc_tls_options *o = &s->o.tls;
    struct telling told = {.is_due = false};
    struct rpc_tls *t;

    *out = NULL;
    if (!path_of(o->cert_path) && !path_of(o->key_path) && !path_of(o->client_ca_path))
        return STATUS_OK;
    if (!path_of(o->cert_path) || !path_of(o->key_path)) {
        snprintf(why_out, RPC_WHY_BYTES, "TLS needs a certificate and its key");
        return STATUS_INVALID;
    }
    if ((t = calloc(1, sizeof *t)) == NULL)
        return STATUS_EXHAUSTED;
    t->server = s;
    t->paths[CERTIFICATE_CHAIN] = o->cert_path;
    t->paths[CERTIFICATE_KEY] = o->key_path;
    t->paths[CERTIFICATE_CLIENT_CA] = path_of(o->client_ca_path);
    pthread_mutex_init(&t->lock, NULL);
    if (!refresh(t, &told)) {
        snprintf(why_out, RPC_WHY_BYTES, "TLS: %.240s", told.why);
        rpc_tls_free(t);
        return STATUS_INVALID;
    }
    tell(t, &told);
    *out = t;
    return STATUS_OK;
}

void rpc_tls_free(struct rpc_tls *t)
{
    if (!t)
        return;
    certificate_release(&t->current);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

size_t rpc_tls_hello(unsigned char *out, size_t cap)
{
    static const unsigned char h2[] = {2, 'h', '2'};
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = ctx ? SSL_new(ctx) : NULL;
    BIO *in = BIO_new(BIO_s_mem()), *wire = BIO_new(BIO_s_mem());
    int n = 0;

    if (ssl && in && wire && BIO_up_ref(in) && BIO_up_ref(wire)) {
        SSL_set_bio(ssl, in, wire); /* owns one reference of each */
        SSL_set_alpn_protos(ssl, h2, sizeof h2);
        SSL_set_connect_state(ssl);
        (void)SSL_do_handshake(ssl); /* wants an answer that never comes */
        n = BIO_read(wire, out, (int)cap);
    }
    BIO_free(in);
    BIO_free(wire);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return n > 0 ? (size_t)n : 0;
}
