/* reader: a CSV file as rows of an import: lead or complaint, one after the other. */
#ifndef SALESCTL_READER_H
#define SALESCTL_READER_H

#include "ctl/command.h"
#include "sales/v1/lead.pb-c.h"

enum { COMPLAINT_BYTES = 256 };

struct reader_row {
    uint64_t number;                 /* in the source, from 1, ascending; the header is row 1 */
    uint64_t line;                   /* in the file, for people */
    Sales__V1__Lead *lead;           /* in the arena given; NULL: see complaint */
    size_t bytes;                    /* of the source */
    char complaint[COMPLAINT_BYTES]; /* "column 3 (email): ..." */
};

struct reader;

/*
 * Opens the file ("-": standard input) and reads its mapping and header. NULL with the complaint
 * printed and *code set. The reader's memory is the command's arena; close it all the same, it
 * holds a file.
 */
struct reader *reader_open(struct ctl *ctl, const char *path, const char *map_path,
                           const char *encoding, enum exit_code *code);
void reader_close(struct reader *r);

/* The next row; leads and texts live in `a`. False: the end. */
bool reader_next(struct reader *r, struct arena *a, struct reader_row *out);

/* Makes a reader_next that waits for input in another thread, and all later ones, see the end. */
void reader_stop(struct reader *r);

/* Data rows in the whole file, counted by reading it; 0: standard input, nobody knows. */
uint64_t reader_count(struct ctl *ctl, const char *path, const char *encoding);

/* Can be read again from the start. */
bool reader_is_file(const char *path);

#endif
