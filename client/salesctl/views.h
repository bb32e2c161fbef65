/* views: what lists and single records look like, as tables of columns. */
#ifndef SALESCTL_VIEWS_H
#define SALESCTL_VIEWS_H

#include "ctl/show.h"

extern const struct view lead_view, lead_list_view, deal_view, deal_list_view, activity_view,
    activity_list_view, pipeline_list_view, audit_list_view, webhook_view, webhook_list_view,
    webhook_delivery_view, webhook_delivery_list_view;

#endif
