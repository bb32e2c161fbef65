/* Files to a checked certificate: OpenSSL is asked the same questions that the core will ask it. */
#include "rpc/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PEM_BYTES_MAX = 1 << 20, /* the whole bundle of a distribution is a quarter of that */
    READS_MAX = 3,           /* of files that change while they are read */
    SETTLED_S = 1,           /* file systems tell changes apart that lie further apart than this */
};

/* ---- files ----------------------------------------------------------------------------------- */

static struct file_stamp stamp_of(const struct stat *st)
{
    return (struct file_stamp){st->st_dev, st->st_ino, st->st_size, st->st_ctim};
}

static bool same_stamp(const struct file_stamp *a, const struct file_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

bool certificate_same_stamps(const struct file_stamp *a, const struct file_stamp *b)
{
    for (size_t i = 0; i < CERTIFICATE_FILES; i++)
        if (!same_stamp(&a[i], &b[i]))
            return false;
    return true;
}

bool certificate_is_stale(const char *const *paths, const struct file_stamp *stamps)
{
    for (size_t i = 0; i < CERTIFICATE_FILES; i++) {
        struct file_stamp now = {0};
        struct stat st;

        if (paths[i] && stat(paths[i], &st) == 0)
            now = stamp_of(&st);
        if (!same_stamp(&now, &stamps[i]))
            return true;
    }
    return false;
}

/* All bytes up to the end, not over cap. -1: errno says why. */
static ssize_t read_all(int fd, char *to, size_t cap)
{
    size_t n = 0;

    while (n < cap) {
        ssize_t got = read(fd, to + n, cap - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

/* NULL: why says it. */
static char *read_open(int fd, const char *path, struct file_stamp *stamp_out,
                       char why[CERTIFICATE_WHY_BYTES])
{
    struct stat st;
    char *text = NULL;
    ssize_t n = -1;

    if (fd >= 0 && fstat(fd, &st) == 0) {
        *stamp_out = stamp_of(&st);
        if ((text = calloc(1, PEM_BYTES_MAX + 1)) != NULL)
            n = read_all(fd, text, PEM_BYTES_MAX);
    }
    if (n < 0)
        snprintf(why, CERTIFICATE_WHY_BYTES, "%.150s: %s", path, strerror(errno));
    else if (n == PEM_BYTES_MAX || memchr(text, 0, (size_t)n))
        snprintf(why, CERTIFICATE_WHY_BYTES, "%.150s: too long or no text", path);
    else
        return text;
    free(text);
    return NULL;
}

static bool read_files(const char *const *paths, struct certificate *out,
                       char why[CERTIFICATE_WHY_BYTES])
{
    bool ok = true;

    for (size_t i = 0; i < CERTIFICATE_FILES; i++) {
        int fd;

        if (!paths[i])
            continue;
        fd = open(paths[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        out->pem[i] = read_open(fd, paths[i], &out->stamps[i], why);
        ok &= out->pem[i] != NULL;
        if (fd >= 0)
            close(fd);
    }
    return ok;
}

/* ---- what OpenSSL says ----------------------------------------------------------------------- */

static bool at_end(void)
{
    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

/* Nobody is there to type one. */
static int no_passphrase(char *out, int cap, int rwflag, void *user)
{
    if (cap > 0)
        out[0] = 0;
    (void)rwflag;
    (void)user;
    return 0;
}

static const char *name_leaf(X509 *leaf, struct certificate *out)
{
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), NULL);
    char *text = serial ? BN_bn2hex(serial) : NULL;
    struct tm expires;

    if (text)
        snprintf(out->serial, sizeof out->serial, "%s", text);
    OPENSSL_free(text);
    BN_free(serial);
    if (!ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &expires))
        return "has no legal end of life";
    out->expires_s = timegm(&expires);
    return NULL;
}

static const char *use_chain(SSL_CTX *ctx, BIO *bio, struct certificate *out)
{
    X509 *leaf = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL), *issuer;
    const char *why = NULL;

    if (!leaf)
        return "holds no certificate, or a broken one";
    if (SSL_CTX_use_certificate(ctx, leaf) != 1)
        why = "the certificate is too weak or not usable";
    else
        why = name_leaf(leaf, out);
    X509_free(leaf);
    while (!why && (issuer = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
        if (SSL_CTX_add_extra_chain_cert(ctx, issuer) == 1) /* which then owns it */
            continue;
        X509_free(issuer);
        why = "a certificate of the chain is not usable";
    }
    return why ? why : at_end() ? NULL : "the chain ends in a broken certificate";
}

static const char *use_key(SSL_CTX *ctx, BIO *bio, struct certificate *out)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    const char *why = NULL;

    (void)out;
    if (!key)
        return "holds no private key, or one that is broken or encrypted";
    if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        why = "is not the key of the certificate";
    EVP_PKEY_free(key);
    return why;
}

static const char *use_client_ca(SSL_CTX *ctx, BIO *bio, struct certificate *out)
{
    size_t n = 0;
    bool ok = true;
    X509 *ca;

    (void)out;
    while (ok && (ca = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
        ok = X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca) == 1;
        X509_free(ca);
        n++;
    }
    return ok && n && at_end() ? NULL : "holds no issuer of clients, or a broken one";
}

/* In the order of the files: the key is compared with the certificate. */
static bool try_out(const char *const *paths, struct certificate *out,
                    char why[CERTIFICATE_WHY_BYTES])
{
    static const char *(*const use[CERTIFICATE_FILES])(SSL_CTX *, BIO *, struct certificate *) = {
        [CERTIFICATE_CHAIN] = use_chain,
        [CERTIFICATE_KEY] = use_key,
        [CERTIFICATE_CLIENT_CA] = use_client_ca,
    };
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    const char *found = NULL;

    for (size_t i = 0; i < CERTIFICATE_FILES && !found; i++) {
        BIO *bio = paths[i] ? BIO_new_mem_buf(out->pem[i], -1) : NULL;

        ERR_clear_error();
        if (paths[i])
            found = ctx && bio ? use[i](ctx, bio, out) : "no memory to check it";
        if (found)
            snprintf(why, CERTIFICATE_WHY_BYTES, "%.150s: %s", paths[i], found);
        BIO_free(bio);
    }
    SSL_CTX_free(ctx);
    ERR_clear_error(); /* else the core takes ours for those of its next handshake */
    return !found;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void drop_texts(struct certificate *c)
{
    for (size_t i = 0; i < CERTIFICATE_FILES; i++) {
        if (c->pem[i])
            OPENSSL_cleanse(c->pem[i], strlen(c->pem[i]));
        free(c->pem[i]);
        c->pem[i] = NULL;
    }
}

static bool is_settled(const struct file_stamp *stamps)
{
    time_t now_s = time(NULL);

    for (size_t i = 0; i < CERTIFICATE_FILES; i++)
        if (stamps[i].changed.tv_sec >= now_s - SETTLED_S)
            return false;
    return true;
}

bool certificate_load(const char *const *paths, struct certificate *out,
                      char why[CERTIFICATE_WHY_BYTES])
{
    bool ok = false;

    for (int i = 0; i < READS_MAX; i++) {
        *out = (struct certificate){0};
        ok = read_files(paths, out, why);
        if (!certificate_is_stale(paths, out->stamps))
            break;
        if (i < READS_MAX - 1)
            drop_texts(out);
    }
    out->is_settled = is_settled(out->stamps);
    ok = ok && try_out(paths, out, why);
    if (!ok)
        drop_texts(out);
    return ok;
}

bool certificate_same_text(const struct certificate *a, const struct certificate *b)
{
    for (size_t i = 0; i < CERTIFICATE_FILES; i++) {
        if (!a->pem[i] != !b->pem[i])
            return false;
        if (a->pem[i] && strcmp(a->pem[i], b->pem[i]) != 0)
            return false;
    }
    return true;
}

void certificate_release(struct certificate *c)
{
    drop_texts(c);
    *c = (struct certificate){0};
}
