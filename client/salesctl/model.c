/* A card from top to bottom: is it in use, how good is it, by what does it tell, what to mind. */
#include "ctl/model.h"

#include <math.h>

#include "base/banned.h"
#include "ctl/ctl.h"
#include "ctl/explain.h"
#include "ctl/progress.h"
#include "ctl/stream.h"
#include "ctl/when.h"
#include "sales/v1/forecast.h"

enum { BAR_COLUMNS = 24, IMPORTANCE_SHOWN_MAX = 20, SEGMENTS_SHOWN_MAX = 8, TEXT_COLUMNS = 500 };

static const double DRIFT = 0.2, GAP = 0.05;
enum { GAP_LEAST = 200 };

static const struct view_column list_rows[] = {
    {"id", "id", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"version", "version", SHOW_PLAIN, ALIGN_RIGHT, 0},
    {"predicts", "kind", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"by", "algorithm", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"state", "state", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"trained", "create_time", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"in use since", "activate_time", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"sha256", "sha256", SHOW_PLAIN, ALIGN_LEFT, 16},
};

const struct view model_list_view = {"models", list_rows, sizeof list_rows / sizeof *list_rows,
                                     "no models"};

static const char *clean(struct ctl *ctl, const char *text)
{
    return text_clean(&ctl->arena, str_of(text), TEXT_COLUMNS);
}

static void title(struct ctl *ctl, const char *text)
{
    fprintf(ctl->out.file, "\n%s%s%s\n", term_ink(&ctl->out, INK_BOLD), text,
            term_ink(&ctl->out, INK_PLAIN));
}

static void show_head(struct ctl *ctl, const ModelCard *card)
{
    const ProtobufCMessage *m = &card->base;
    struct arena *a = &ctl->arena;
    FILE *f = ctl->out.file;

    fprintf(f, "%s%s%s version %s, %s, by %s\n", term_ink(&ctl->out, INK_BOLD),
            show_field(a, m, "model.kind", SHOW_PLAIN), term_ink(&ctl->out, INK_PLAIN),
            clean(ctl, show_field(a, m, "model.version", SHOW_PLAIN)),
            show_field(a, m, "model.state", SHOW_PLAIN),
            show_field(a, m, "model.algorithm", SHOW_PLAIN));
    fprintf(f, "  id      %s\n", clean(ctl, show_field(a, m, "model.id", SHOW_PLAIN)));
    if (card->model && *card->model->sha256)
        fprintf(f, "  sha256  %s\n", clean(ctl, card->model->sha256));
    fprintf(f, "  trained %s on %s cases, seed %llu\n",
            show_field(a, m, "model.create_time", SHOW_PLAIN), text_count(a, card->training_count),
            (unsigned long long)card->seed);
    fprintf(f, "  why     %s\n", clean(ctl, card->promotion_reason));
    fprintf(f, "  rule    %s\n", clean(ctl, card->promotion_rule));
}

static const struct grid_column figure_columns[] = {
    {"", ALIGN_LEFT, 0},          {"CASES", ALIGN_RIGHT, 0},  {"RATE", ALIGN_RIGHT, 0},
    {"AUC", ALIGN_RIGHT, 0},      {"PR-AUC", ALIGN_RIGHT, 0}, {"BRIER", ALIGN_RIGHT, 0},
    {"LOG LOSS", ALIGN_RIGHT, 0}, {"ECE", ALIGN_RIGHT, 0},
};

static void add_figures(struct grid *g, const char *name, const ModelMetrics *m)
{
    const double figures[] = {m->base_rate, m->auc, m->pr_auc, m->brier, m->log_loss, m->ece};

    if (!grid_row(g))
        return;
    grid_set(g, 0, name);
    grid_set(g, 1, text_count(g->arena, m->count));
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        const char *text = arena_printf(g->arena, "%.4f", figures[i]);

        grid_set(g, 2 + i, text ? text : "");
    }
}

static void show_figures(struct ctl *ctl, const ModelCard *card)
{
    struct grid g;

    if (!card->validation)
        return;
    grid_init(&g, &ctl->arena, figure_columns, sizeof figure_columns / sizeof *figure_columns);
    add_figures(&g, "validation", card->validation);
    if (card->previous)
        add_figures(&g, "in use before", card->previous);
    if (card->live)
        add_figures(&g, "since in use", card->live);
    title(ctl, "how good it is, on cases it had not seen");
    grid_print(&g, &ctl->out, 2);
}

static void show_bins(struct ctl *ctl, const ModelMetrics *m)
{
    struct arena *a = &ctl->arena;

    if (!m || !m->n_bins)
        return;
    title(ctl, "when it says ... it comes true in");
    for (size_t i = 0; i < m->n_bins; i++) {
        const CalibrationBin *b = m->bins[i];

        fprintf(ctl->out.file, "  %5.1f %%  %5.1f %%  %s  %s cases\n", b->predicted * 100,
                b->observed * 100, text_bar(a, b->observed, BAR_COLUMNS), text_count(a, b->count));
    }
}

static const struct grid_column importance_columns[] = {
    {"SIGNAL", ALIGN_LEFT, 40}, {"LOG-ODDS", ALIGN_RIGHT, 0}, {"", ALIGN_LEFT, 0},
    {"KNOWN", ALIGN_RIGHT, 0},  {"DRIFT", ALIGN_RIGHT, 0},
};

static void show_importance(struct ctl *ctl, const ModelCard *card)
{
    struct arena *a = &ctl->arena;
    struct grid g;

    if (!card->n_importance)
        return;
    grid_init(&g, a, importance_columns, sizeof importance_columns / sizeof *importance_columns);
    for (size_t i = 0; i < card->n_importance && i < IMPORTANCE_SHOWN_MAX && grid_row(&g); i++) {
        const SignalImportance *s = card->importance[i];
        double most = card->importance[0]->mean_abs_log_odds;
        const char *mean = arena_printf(a, "%.3f", s->mean_abs_log_odds);
        const char *known = arena_printf(a, "%.0f %%", s->coverage * 100);
        const char *drift =
            arena_printf(a, "%.2f%s", s->drift_psi, s->drift_psi > DRIFT ? " !" : "");

        grid_set(&g, 0, s->signal);
        grid_set(&g, 1, mean ? mean : "");
        grid_set(&g, 2, text_bar(a, most > 0 ? s->mean_abs_log_odds / most : 0, BAR_COLUMNS));
        grid_set(&g, 3, known ? known : "");
        grid_set(&g, 4, drift ? drift : "");
    }
    title(ctl, "by what it tells");
    grid_print(&g, &ctl->out, 2);
    if (card->n_importance > IMPORTANCE_SHOWN_MAX)
        fprintf(ctl->out.file, "  and %zu more\n", card->n_importance - IMPORTANCE_SHOWN_MAX);
}

static void show_segments(struct ctl *ctl, const ModelCard *card)
{
    if (card->n_segments)
        title(ctl, "where it says too much (+) or too little (-)");
    for (size_t i = 0; i < card->n_segments && i < SEGMENTS_SHOWN_MAX; i++) {
        const SegmentCalibration *s = card->segments[i];
        bool is_finding = s->count >= GAP_LEAST && fabs(s->gap) > GAP;

        fprintf(ctl->out.file, "  %s%+6.1f %%%s  %s = %s, %s cases\n",
                term_ink(&ctl->out, is_finding ? INK_WARN : INK_PLAIN), s->gap * 100,
                term_ink(&ctl->out, INK_PLAIN), clean(ctl, s->field), clean(ctl, s->value),
                text_count(&ctl->arena, s->count));
    }
}

static void show_card(struct ctl *ctl, const ModelCard *card)
{
    show_head(ctl, card);
    show_figures(ctl, card);
    show_bins(ctl, card->validation);
    show_importance(ctl, card);
    show_segments(ctl, card);
    if (card->n_caveats)
        title(ctl, "be careful");
    for (size_t i = 0; i < card->n_caveats; i++)
        fprintf(ctl->out.file, "  - %s\n", clean(ctl, card->caveats[i]));
}

enum exit_code model_card_run(struct ctl *ctl, const struct command *command,
                              const struct args *args)
{
    ProtobufCMessage *in = ctl_request(ctl, command, args), *reply;
    struct sales_call call = ctl_call(ctl);
    enum exit_code code;

    if (!in)
        return CTL_USAGE;
    code = ctl_unary(ctl, &call, command->method, in, &reply);
    if (code == CTL_OK && ctl->json)
        ctl_json(ctl, reply);
    else if (code == CTL_OK && ((GetModelCardResponse *)reply)->card)
        show_card(ctl, ((GetModelCardResponse *)reply)->card);
    sales_call_release(&call);
    return code;
}

static const char *label_of(TrainingPhase phase)
{
    static const char *const labels[] = {
        [TRAINING_PHASE_UNSPECIFIED] = "waiting", [TRAINING_PHASE_COLLECT] = "collecting",
        [TRAINING_PHASE_FIT] = "fitting",         [TRAINING_PHASE_VALIDATE] = "judging",
        [TRAINING_PHASE_PUBLISH] = "publishing",
    };

    return (unsigned)phase < sizeof labels / sizeof *labels ? labels[phase] : "training";
}

static void take_message(struct ctl *ctl, struct progress *p, const TrainModelResponse *r)
{
    if (r->message_case == TRAIN_MODEL_RESPONSE_MESSAGE_PROGRESS && r->progress->progress) {
        p->label = label_of(r->progress->phase);
        p->total = r->progress->progress->total;
        progress_set(p, r->progress->progress->done, 0, ctl_now_ns());
    }
    if (r->message_case == TRAIN_MODEL_RESPONSE_MESSAGE_CARD) {
        progress_wipe(p);
        if (!ctl->json)
            show_card(ctl, r->card);
    }
}

static enum exit_code follow(struct ctl *ctl, struct sales_call *call, struct sales_stream *s)
{
    struct progress progress;
    enum sales_status status;
    ProtobufCMessage *m;

    progress_init(&progress, &ctl->err, "waiting", ctl_now_ns());
    while ((status = sales_stream_recv(s, &m)) == SALES_OK && m) {
        if (ctl->json)
            ctl_json(ctl, m);
        take_message(ctl, &progress, (const TrainModelResponse *)m);
    }
    progress_wipe(&progress);
    sales_stream_close(s);
    return status == SALES_OK ? CTL_OK : explain(ctl, call);
}

enum exit_code model_train_run(struct ctl *ctl, const struct command *command,
                               const struct args *args)
{
    TrainModelRequest *in = (TrainModelRequest *)ctl_request(ctl, command, args);
    struct sales_call call = ctl_call(ctl);
    struct sales_stream *s;
    enum exit_code code;

    if (!in)
        return CTL_USAGE;
    if (in->kind == MODEL_KIND_UNSPECIFIED)
        in->kind = MODEL_KIND_LEAD_WIN;
    call.timeout_ms = ctl->timeout_ms ? ctl->timeout_ms : -1;
    if ((s = stream_start(ctl, &call, command->method, &in->base)) == NULL)
        return CTL_FAILED;
    code = follow(ctl, &call, s);
    sales_call_release(&call);
    return code;
}
