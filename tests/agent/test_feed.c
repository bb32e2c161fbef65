#include <criterion/criterion.h>

#include "agent/feed.h"

struct counter {
    struct feed_watcher watcher;
    int n;
};

static void count(struct feed_watcher *w)
{
    ((struct counter *)w)->n++;
}

Test(feed, wakes_the_watchers_of_the_tenant_and_no_others)
{
    struct feed *f = feed_new();
    struct counter a = {{.wake = count, .tenant_id = 1}, 0},
                   b = {{.wake = count, .tenant_id = 1}, 0};
    struct counter same_bucket = {{.wake = count, .tenant_id = 65}, 0};

    feed_join(f, &a.watcher);
    feed_join(f, &b.watcher);
    feed_join(f, &same_bucket.watcher);
    feed_tell(f, 1);
    cr_assert_eq(a.n, 1);
    cr_assert_eq(b.n, 1);
    cr_assert_eq(same_bucket.n, 0);
    feed_leave(f, &a.watcher);
    feed_tell(f, 1);
    cr_assert_eq(a.n, 1, "whoever left is not woken");
    cr_assert_eq(b.n, 2);
    feed_leave(f, &same_bucket.watcher);
    feed_leave(f, &b.watcher);
    feed_tell(f, 1);
    feed_free(f);
}
