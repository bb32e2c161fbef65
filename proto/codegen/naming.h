/*
 * naming: how names of a .proto are spelled in C.
 *
 * The long names are protoc-c's and must agree with it letter for letter; the short ones are ours.
 * All functions return NUL-terminated text in the arena and never NULL: a generator that is out of
 * memory ends the process with a message.
 */
#ifndef CODEGEN_NAMING_H
#define CODEGEN_NAMING_H

#include "base/arena.h"

enum naming_case {
    NAMING_CAMEL, /* "lead_item" -> "LeadItem" */
    NAMING_LOWER, /* "LeadItem"  -> "lead_item" */
    NAMING_UPPER, /* "LeadItem"  -> "LEAD_ITEM" */
};

/* One identifier in another case. */
const char *naming_convert(struct arena *a, const char *name, enum naming_case to);

/* Every dot-separated piece converted and joined: naming_path(a, "sales.v1.Lead", UPPER, "__")
 * is "SALES__V1__LEAD". */
const char *naming_path(struct arena *a, const char *dotted, enum naming_case to, const char *sep);

/* As naming_path without a change of case: ("Outer.Inner", "_") is "Outer_Inner". */
const char *naming_join(struct arena *a, const char *dotted, const char *sep);

/* A path as macro for header guards: "sales/v1/lead.h" -> "SALES_V1_LEAD_H". */
const char *naming_guard(struct arena *a, const char *path);

/* printf into the arena; ends the process when it is full. */
const char *naming_text(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
