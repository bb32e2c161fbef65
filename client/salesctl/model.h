/* model: commands for what was learned from the tenant's leads. A card is shown with its
 * reliability and importance as bars. */
#ifndef SALESCTL_MODEL_H
#define SALESCTL_MODEL_H

#include "ctl/command.h"

/* Trains, tells how far it is, and shows the card. */
enum exit_code model_train_run(struct ctl *ctl, const struct command *command,
                               const struct args *args);

enum exit_code model_card_run(struct ctl *ctl, const struct command *command,
                              const struct args *args);

extern const struct view model_list_view;

#endif
