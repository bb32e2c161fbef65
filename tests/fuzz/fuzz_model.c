/* A model file of any bytes: refused, or a model that predicts and whose parts sum. The digest is
 * put right first, or the fuzzer would never get past it; the library's UBJSON reader sees the same
 * bytes. */
#include <assert.h>
#include <math.h>
#include <openssl/sha.h>
#include <stdint.h>

#include "model/model_bytes.h"
#include "model/ubj.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ARENA_BYTES = 64 << 20, CHANNELS = 4 };

static void predict(struct arena *a, const struct model *m)
{
    struct frame f;
    struct model_view v;
    struct prediction p;
    size_t row;
    int64_t sum;

    if (frame_init(&f, a, 1, 1) != STATUS_OK ||
        frame_add_row(&f, (struct frame_row){0}, &row) != STATUS_OK ||
        model_view(&v, a, m, &f) != STATUS_OK || model_predict(&v, a, row, &p) != STATUS_OK)
        return;
    sum = p.base_micro + p.calibration_micro;
    for (size_t i = 0; i < p.n_shares; i++)
        sum += p.share_micro[i];
    assert(sum == p.total_micro);
    assert(p.probability >= 0 && p.probability <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct trees t = {.n_columns = CHANNELS};
    struct model *m;
    struct arena a;
    unsigned char *p;

    arena_init(&a, ARENA_BYTES);
    if (ubj_read_trees(&t, &a, (str){(const char *)data, n}) == STATUS_OK)
        (void)(trees_link(&t, &a) == STATUS_OK);
    p = n > SHA256_DIGEST_LENGTH ? arena_take(&a, n) : NULL;
    if (p) {
        memcpy(p, data, n);
        (void)SHA256(p, n - SHA256_DIGEST_LENGTH, p + n - SHA256_DIGEST_LENGTH);
        if (model_bytes_parse(&m, &a, (str){(const char *)p, n}) == STATUS_OK)
            predict(&a, m);
    }
    arena_release(&a);
    return 0;
}
