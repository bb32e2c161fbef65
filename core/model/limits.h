/* limits: every maximum of the model layer, with its unit and the reason for the number. */
#ifndef MODEL_LIMITS_H
#define MODEL_LIMITS_H

enum {
    FRAME_ROWS_MAX = 1 << 20,  /* rows to learn from: the newest million says all that older do */
    FRAME_CELLS_MAX = 1 << 27, /* rows x columns: 512 MB of floats */
    FRAME_COLUMNS_MAX =
        1024,               /* 200 signals of ours, 500 custom attributes, room for both to grow */
    FRAME_NAME_BYTES = 128, /* a signal's or attribute's name */
    FRAME_WORD_BYTES = 200, /* a category's text; longer is cut at a code point, not refused */
    FRAME_WORDS_MAX = 4096, /* categories kept apart per column; more are one "other" */
    ENCODER_WORDS_MAX = 32, /* categories of a column that get a column of their own */
    ENCODER_EDGES = 11,     /* least, nine deciles, most: a number's rank and its drift */
    ENCODER_PROFILE = 34,   /* counts per source: words, other, missing */
    ENCODER_SAMPLE = 4096,  /* values that deciles are taken from */
    ENCODER_COLUMNS_MAX = 1024, /* encoded columns per learner: bounds the time to learn */
    TREES_MAX = 2000,           /* trees of one model */
    TREE_NODES_MAX = 255,       /* nodes of one tree: depth 7 */
    TREE_DEPTH_MAX = 7,         /* splits on a path: what the sums of explain are tested for */
    KNOTS_MAX = 32,             /* of an isotonic calibration */
    MODEL_BINS = 10,            /* equal-mass bins of reliability */
    MODEL_BYTES_MAX = 32 << 20, /* a serialised model: 2000 trees are 6 MB */
    FOLDS_MAX = 10,
    CAVEATS_MAX = 20,   /* as ModelCard.caveats */
    SEGMENTS_MAX = 200, /* as ModelCard.segments */
};

#endif
