/* Text to fields. One function per kind of value, chosen by the field's type. */
#include "ctl/path.h"

#include <assert.h>
#include <errno.h>
#include <math.h>

#include "base/banned.h"
#include "base/buf.h"
#include "base/uuid.h"
#include "ctl/amount.h"
#include "ctl/term.h"
#include "ctl/when.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "sales/v1/common.pb-c.h"
#include "sales/v1/deal.pb-c.h"
#include "schema/field.h"

enum { PATH_DEPTH_MAX = 8, WORD_BYTES_MAX = 64, LIST_MAX = 10000 };

ProtobufCMessage *path_new(struct arena *a, const ProtobufCMessageDescriptor *d)
{
    ProtobufCMessage *m = arena_alloc(a, d->sizeof_message, alignof(max_align_t), 1);

    if (m)
        protobuf_c_message_init(d, m);
    return m;
}

static bool wrong(struct setter *s, const char *why)
{
    s->why = why ? why : "out of memory";
    return false;
}

/* ---- enums ----------------------------------------------------------------------------------- */

/* Bytes of what all names of the enum begin with: "LEAD_STATUS_". */
static size_t prefix_bytes(const ProtobufCEnumDescriptor *e)
{
    size_t n = strlen(e->values[0].name), end = 0;

    for (unsigned i = 1; i < e->n_values; i++)
        while (strncmp(e->values[0].name, e->values[i].name, n) != 0)
            n--;
    for (size_t i = 0; i < n; i++)
        if (e->values[0].name[i] == '_')
            end = i + 1;
    return e->n_values > 1 ? end : 0;
}

/* Lower case, '-' for '_', as words are typed. */
static void fold_word(str in, char out[WORD_BYTES_MAX])
{
    size_t n = in.n < WORD_BYTES_MAX - 1 ? in.n : WORD_BYTES_MAX - 1;

    for (size_t i = 0; i < n; i++) {
        char c = in.p[i];
        out[i] = text_lower(c);
        if (c == '-' || c == ' ')
            out[i] = '_';
    }
    out[n] = 0;
}

const char *enum_word(struct arena *a, const ProtobufCEnumDescriptor *e, int value)
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(e, value);
    const char *word;
    char folded[WORD_BYTES_MAX];

    if (!v)
        word = arena_printf(a, "%d", value);
    else {
        fold_word(str_of(v->name + prefix_bytes(e)), folded);
        word = arena_cstr(a, str_of(folded));
    }
    return word ? word : "?";
}

static bool set_enum(struct setter *s, const ProtobufCEnumDescriptor *e, str text, void *out)
{
    char wanted[WORD_BYTES_MAX], known[WORD_BYTES_MAX];
    size_t skip = prefix_bytes(e);
    struct buf list;

    fold_word(text, wanted);
    buf_init(&list, s->arena, 2048);
    for (unsigned i = 0; i < e->n_values; i++) {
        fold_word(str_of(e->values[i].name), known);
        if (strcmp(known, wanted) == 0 || strcmp(known + skip, wanted) == 0) {
            memcpy(out, &e->values[i].value, sizeof(int));
            return true;
        }
        if (e->values[i].value != 0)
            buf_printf(&list, "%s%s", buf_str(&list).n ? ", " : "", known + skip);
    }
    return wrong(s, arena_printf(s->arena, "is one of: " STR_FMT, STR_ARG(buf_str(&list))));
}

/* ---- scalars --------------------------------------------------------------------------------- */

static bool set_bool(struct setter *s, str text, void *out)
{
    static const struct {
        const char *word;
        protobuf_c_boolean value;
    } words[] = {{"yes", 1}, {"no", 0}, {"true", 1}, {"false", 0}, {"1", 1}, {"0", 0}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq_nocase(text, str_of(words[i].word))) {
            memcpy(out, &words[i].value, sizeof words[i].value);
            return true;
        }
    return wrong(s, "is yes or no");
}

static bool set_int(struct setter *s, ProtobufCType type, str text, void *out)
{
    bool wide = type == PROTOBUF_C_TYPE_INT64 || type == PROTOBUF_C_TYPE_SINT64 ||
                type == PROTOBUF_C_TYPE_SFIXED64 || type == PROTOBUF_C_TYPE_UINT64 ||
                type == PROTOBUF_C_TYPE_FIXED64;
    bool natural = type == PROTOBUF_C_TYPE_UINT32 || type == PROTOBUF_C_TYPE_FIXED32 ||
                   type == PROTOBUF_C_TYPE_UINT64 || type == PROTOBUF_C_TYPE_FIXED64;
    long long n;

    if (!str_to_int64(text, &n) || (natural && n < 0) ||
        (!wide &&
         (n < (natural ? 0 : INT32_MIN) || n > (natural ? (long long)UINT32_MAX : INT32_MAX))))
        return wrong(s, natural ? "is a whole number, not negative" : "is a whole number");
    if (wide)
        memcpy(out, &(int64_t){n}, sizeof(int64_t));
    else
        memcpy(out, &(uint32_t){(uint32_t)n}, sizeof(uint32_t));
    return true;
}

static bool read_double(struct arena *a, str text, double *out)
{
    char *z = arena_cstr(a, text), *end;

    if (!z || !*z || *z == ' ')
        return false;
    errno = 0;
    *out = strtod(z, &end);
    return !*end && errno == 0 && isfinite(*out);
}

static bool set_real(struct setter *s, ProtobufCType type, str text, void *out)
{
    double v;

    if (!read_double(s->arena, text, &v))
        return wrong(s, "is a number");
    if (type == PROTOBUF_C_TYPE_FLOAT)
        memcpy(out, &(float){(float)v}, sizeof(float));
    else
        memcpy(out, &v, sizeof v);
    return true;
}

static bool set_text(struct setter *s, str text, void *out)
{
    char *z = arena_cstr(s->arena, text);

    if (!z)
        return wrong(s, NULL);
    if (!str_is_text(text))
        return wrong(s, "is text in UTF-8");
    memcpy(out, &z, sizeof z);
    return true;
}

/* ---- messages that have a text form ---------------------------------------------------------- */

static bool set_time(struct setter *s, str text, ProtobufCMessage *m)
{
    Google__Protobuf__Timestamp *t = (void *)m;
    int64_t us;

    if (!when_parse(text, s->now_us, &us))
        return wrong(s, "is a time: 2026-11-20, 2026-11-20T15:04:05Z, now, -3d, -12h");
    t->seconds = us / 1000000 - (us % 1000000 < 0);
    t->nanos = (int32_t)((us - t->seconds * 1000000) * 1000);
    return true;
}

static bool set_duration(struct setter *s, str text, ProtobufCMessage *m)
{
    Google__Protobuf__Duration *d = (void *)m;
    int64_t us;

    if (!when_span(text, &us))
        return wrong(s, "is a duration: 90s, 15m, 2h, 3d");
    d->seconds = us / 1000000;
    d->nanos = (int32_t)(us % 1000000 * 1000);
    return true;
}

static bool set_money(struct setter *s, str text, ProtobufCMessage *m)
{
    Sales__V1__Money *money = (void *)m;
    char code[4];

    if (!amount_parse(text, &money->amount_minor, code))
        return wrong(s, "is an amount with its currency: 1200.50 EUR");
    money->currency_code = arena_cstr(s->arena, str_of(code));
    return money->currency_code || wrong(s, NULL);
}

/* "key=value": a number or yes/no where it reads as one, else text. */
static bool set_attribute(struct setter *s, str text, ProtobufCMessage *m)
{
    Sales__V1__AttributeValue *v = (void *)m;
    double number;

    if (read_double(s->arena, text, &number)) {
        v->kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_NUMBER_VALUE;
        v->number_value = number;
    } else if (str_eq_nocase(text, STR("true")) || str_eq_nocase(text, STR("false"))) {
        v->kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_BOOL_VALUE;
        v->bool_value = str_eq_nocase(text, STR("true"));
    } else {
        v->kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_STRING_VALUE;
        return set_text(s, text, &v->string_value);
    }
    return true;
}

/* A lead's id, or "Ada Byron <ada@example.com>"; a buying role in front: "champion:Ada Byron". */
static bool set_contact(struct setter *s, str text, ProtobufCMessage *m)
{
    Sales__V1__DealContact *c = (void *)m;
    str rest = text, role = str_cut(&rest, ':');
    struct uuid id;

    if (rest.n) {
        if (!set_enum(s, &sales__v1__buying_role__descriptor, role, &c->role))
            return false;
        text = rest;
    }
    if (uuid_parse(text, &id))
        return set_text(s, text, &c->lead_id);
    rest = text;
    text = str_trim(str_cut(&rest, '<'));
    if (rest.n && !set_text(s, str_trim(str_cut(&rest, '>')), &c->email))
        return false;
    return set_text(s, text, &c->name);
}

static const struct {
    const ProtobufCMessageDescriptor *type;
    bool (*set)(struct setter *s, str text, ProtobufCMessage *m);
} message_texts[] = {
    {&google__protobuf__timestamp__descriptor, set_time},
    {&google__protobuf__duration__descriptor, set_duration},
    {&sales__v1__money__descriptor, set_money},
    {&sales__v1__attribute_value__descriptor, set_attribute},
    {&sales__v1__deal_contact__descriptor, set_contact},
};

static bool set_value(struct setter *s, const ProtobufCFieldDescriptor *f, str text, void *out);

/* An entry of a map: a message of the fields key and value. */
static bool set_entry(struct setter *s, str text, ProtobufCMessage *m)
{
    const ProtobufCMessageDescriptor *d = m->descriptor;
    str value = text, key = str_cut(&value, '=');

    if (d->n_fields != 2 || strcmp(d->fields[0].name, "key") != 0)
        return wrong(s, "cannot be given as text");
    if (!key.n || key.n == text.n)
        return wrong(s, "is key=value");
    return set_value(s, &d->fields[0], key, (char *)m + d->fields[0].offset) &&
           set_value(s, &d->fields[1], value, (char *)m + d->fields[1].offset);
}

static bool set_message(struct setter *s, const ProtobufCMessageDescriptor *d, str text, void *out)
{
    ProtobufCMessage *m = path_new(s->arena, d);

    if (!m)
        return wrong(s, NULL);
    memcpy(out, &m, sizeof(void *));
    for (size_t i = 0; i < sizeof message_texts / sizeof *message_texts; i++)
        if (d == message_texts[i].type)
            return message_texts[i].set(s, text, m);
    return set_entry(s, text, m);
}

static bool set_value(struct setter *s, const ProtobufCFieldDescriptor *f, str text, void *out)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING: return set_text(s, text, out);
    case PROTOBUF_C_TYPE_BOOL: return set_bool(s, text, out);
    case PROTOBUF_C_TYPE_ENUM: return set_enum(s, f->descriptor, text, out);
    case PROTOBUF_C_TYPE_MESSAGE: return set_message(s, f->descriptor, text, out);
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE: return set_real(s, f->type, text, out);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: return set_int(s, f->type, text, out);
    case PROTOBUF_C_TYPE_BYTES: break;
    }
    return wrong(s, "cannot be given as text");
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* One more element; the array doubles when its length reaches a power of two. */
static bool append(struct setter *s, ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                   str text)
{
    size_t *n = (size_t *)(void *)((char *)m + f->quantifier_offset), size = field_size(f->type);
    char **array = (char **)(void *)((char *)m + f->offset);

    if (*n >= LIST_MAX)
        return wrong(s, "is given too often");
    if ((*n & (*n - 1)) == 0) {
        char *bigger = arena_alloc(s->arena, size, alignof(max_align_t), *n ? 2 * *n : 1);

        if (!bigger)
            return wrong(s, NULL);
        if (*n)
            memcpy(bigger, *array, *n * size);
        *array = bigger;
    }
    if (!set_value(s, f, text, *array + *n * size))
        return false;
    ++*n;
    return true;
}

static bool set_member(struct setter *s, ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                       str text)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return append(s, m, f, text);
    if (!set_value(s, f, text, (char *)m + f->offset))
        return false;
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        memcpy((char *)m + f->quantifier_offset, &f->id, sizeof f->id);
    return true;
}

static const ProtobufCFieldDescriptor *member(const ProtobufCMessage *m, str name)
{
    char z[WORD_BYTES_MAX];

    if (name.n >= sizeof z)
        return NULL;
    memcpy(z, name.p, name.n);
    z[name.n] = 0;
    return protobuf_c_message_descriptor_get_field_by_name(m->descriptor, z);
}

bool path_set(struct setter *s, ProtobufCMessage *m, const char *path, str text)
{
    str rest = str_of(path);

    s->why = NULL;
    for (int depth = 0; depth < PATH_DEPTH_MAX; depth++) {
        const ProtobufCFieldDescriptor *f = member(m, str_cut(&rest, '.'));
        ProtobufCMessage **inner;

        assert(f); /* paths are rows of our tables; a test walks them all */
        if (!rest.n)
            return set_member(s, m, f, text);
        inner = (ProtobufCMessage **)(void *)((char *)m + f->offset);
        assert(f->type == PROTOBUF_C_TYPE_MESSAGE && f->label != PROTOBUF_C_LABEL_REPEATED);
        if (!*inner && !(*inner = path_new(s->arena, f->descriptor)))
            return wrong(s, NULL);
        if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
            memcpy((char *)m + f->quantifier_offset, &f->id, sizeof f->id);
        m = *inner;
    }
    return wrong(s, "is nested too deep");
}

bool path_find(const ProtobufCMessage *m, const char *path, const ProtobufCMessage **holder,
               const ProtobufCFieldDescriptor **field)
{
    const ProtobufCMessageDescriptor *d = m->descriptor;
    str rest = str_of(path);

    for (int depth = 0; depth < PATH_DEPTH_MAX; depth++) {
        char name[WORD_BYTES_MAX];
        str part = str_cut(&rest, '.');

        if (part.n >= sizeof name)
            return false;
        memcpy(name, part.p, part.n);
        name[part.n] = 0;
        if (!(*field = protobuf_c_message_descriptor_get_field_by_name(d, name)))
            return false;
        *holder = m;
        if (!rest.n)
            return true;
        if ((*field)->type != PROTOBUF_C_TYPE_MESSAGE ||
            (*field)->label == PROTOBUF_C_LABEL_REPEATED)
            return false;
        d = (*field)->descriptor;
        if (m && (!((*field)->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
                  memcmp((const char *)m + (*field)->quantifier_offset, &(*field)->id,
                         sizeof(uint32_t)) == 0))
            memcpy(&m, (const char *)m + (*field)->offset, sizeof(void *));
        else
            m = NULL;
    }
    return false;
}
