/* show: fields of replies as text for people, by path; and views, the tables of what to show. */
#ifndef SALESCTL_SHOW_H
#define SALESCTL_SHOW_H

#include <protobuf-c/protobuf-c.h>

#include "ctl/grid.h"

enum show {
    SHOW_PLAIN,   /* as its type says: times, money, enum words, counts, lists with commas */
    SHOW_PERCENT, /* 0.42 -> "42 %" */
    SHOW_DAYS,    /* 3.14 -> "3.1 d" */
    SHOW_POINTS,  /* thousandths: 12500 -> "+12.5" */
};

struct view_column {
    const char *title;
    const char *path; /* in one item */
    enum show show;
    enum align align;
    int most; /* columns; 0: as wide as it needs */
};

/* How a reply is shown: a list as a grid, a single item as lines "title  value". */
struct view {
    const char *path; /* of the list or the item in the reply: "leads", "lead"; "": the reply */
    const struct view_column *columns;
    size_t n_columns;
    const char *nothing; /* instead of an empty list: "no leads" */
};

/* The field at `path` as text; "" when it is unset. In the arena. */
const char *show_field(struct arena *a, const ProtobufCMessage *m, const char *path, enum show how);

void show_list(struct arena *a, const struct term *t, const struct view *v,
               const ProtobufCMessage *reply);
void show_item(struct arena *a, const struct term *t, const struct view *v,
               const ProtobufCMessage *reply);

#endif
