/* The CSV reader on any bytes: rows must not depend on how the input was cut into chunks, and every
 * row handed out must keep the limits. The first byte chooses chunk size and encoding. */
#include <assert.h>
#include <stdint.h>

#include "domain/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ROW_BYTES = 512, FIELD_BYTES = 64, COLUMNS = 8, ARENA_BYTES = 1 << 16 };

struct result {
    uint64_t hash, n_rows, n_bad;
};

static void mix(struct result *r, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        r->hash = (r->hash ^ (unsigned char)p[i]) * 0x100000001b3u;
    r->hash = (r->hash ^ 0x1FF) * 0x100000001b3u;
}

static void take(struct result *out, enum csv_event e, const struct csv_row *row)
{
    char text[4] = {(char)e, (char)row->flaw, (char)row->column, (char)row->line};

    assert((e == CSV_BAD) == (row->flaw != CSV_FLAW_NONE));
    assert(row->n_cells <= COLUMNS);
    assert(row->row == out->n_rows + 1);
    mix(out, text, sizeof text);
    for (size_t i = 0; i < row->n_cells; i++) {
        assert(row->cells[i].n <= 3 * (FIELD_BYTES + 1));
        assert(str_is_text(row->cells[i]));
        mix(out, row->cells[i].p, row->cells[i].n);
    }
    out->n_rows++;
    out->n_bad += e == CSV_BAD;
}

static struct result run(str text, size_t chunk, enum csv_encoding encoding)
{
    struct csv_options options = {.encoding = encoding,
                                  .row_bytes_max = ROW_BYTES,
                                  .field_bytes_max = FIELD_BYTES,
                                  .columns_max = COLUMNS};
    struct result out = {0};
    struct arena a;
    struct csv r;
    struct csv_row row;
    enum csv_event e;

    arena_init(&a, ARENA_BYTES);
    enum status s = csv_init(&r, &a, &options);

    assert(s == STATUS_OK); /* the arena is large enough */
    while ((e = csv_next(&r, &row)) != CSV_END) {
        if (e != CSV_MORE) {
            take(&out, e, &row);
        } else if (text.n) {
            csv_feed(&r, str_sub(text, 0, chunk));
            text = str_sub(text, chunk, text.n);
        } else {
            csv_finish(&r);
        }
    }
    arena_release(&a);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    str text;
    size_t chunk;
    enum csv_encoding encoding;
    struct result whole, cut;

    if (n < 2)
        return 0;
    chunk = 1 + (data[0] & 0x3F);
    encoding = (enum csv_encoding)((data[0] >> 6) % 3);
    text = (str){(const char *)data + 1, n - 1};
    whole = run(text, text.n, encoding);
    cut = run(text, chunk, encoding);
    assert(whole.hash == cut.hash);
    assert(whole.n_rows == cut.n_rows);
    assert(whole.n_bad == cut.n_bad);
    return 0;
}
