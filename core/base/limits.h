/* limits: every maximum of the service, with its unit and the reason for the number. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

enum {
    FAULT_WHY_BYTES = 256,  /* one sentence with values */
    FAULT_DETAILS_MAX = 64, /* violations kept per request: a reader fixes no more at once, and the
                               trailer must stay under the 8 kB that peers accept as metadata */
    FAULT_DETAIL_BYTES = 6144,    /* text of all details together, same reason */
    CALL_ARENA_BYTES = 64 << 20,  /* one request's memory: 16 x the largest message */
    MESSAGE_BYTES_MAX = 4 << 20,  /* gRPC's own default; clients expect it */
    MESSAGE_DEPTH_MAX = 32,       /* sub-messages in sub-messages; the contract needs 8 */
    METADATA_BYTES_MAX = 8 << 10, /* gRPC's own default */
    PAGE_SIZE_DEFAULT = 50,       /* CONTRACT: lists */
    PAGE_SIZE_MAX = 500,
    FILTER_BYTES_MAX = 2048, /* a filter is typed by a person or built by a screen */
    FILTER_TERMS_MAX = 34,   /* 32 of a caller, two that a summary adds */
    SEARCH_WORDS_MAX = 8,    /* words of one `search` */
    TENANT_NAME_BYTES = 64,
    SUBJECT_BYTES = 128,
    TEAMS_MAX = 50, /* teams of one subject, as ApiKey.team_ids says */
};

#endif
