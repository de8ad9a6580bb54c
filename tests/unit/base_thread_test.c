/* base/thread: who waits to write goes before those who come to read. */
#include "test.h"

#include "base/thread.h"

enum { SURELY_MS = 150 };

struct scene {
    struct rwlock *lock;
    struct mutex *mutex; /* guards what follows */
    char order[4];
    size_t n;
};

static void note(struct scene *s, char who) {
    mutex_lock(s->mutex);
    s->order[s->n++] = who;
    mutex_unlock(s->mutex);
}

static size_t noted(struct scene *s) {
    mutex_lock(s->mutex);
    size_t n = s->n;
    mutex_unlock(s->mutex);
    return n;
}

static void write_once(void *argument) {
    struct scene *s = argument;
    rwlock_write(s->lock);
    note(s, 'w');
    rwlock_write_end(s->lock);
}

static void read_once(void *argument) {
    struct scene *s = argument;
    rwlock_read(s->lock);
    note(s, 'r');
    rwlock_read_end(s->lock);
}

static void a_writer_that_waits_is_next(void **state) {
    struct scene s = {.lock = rwlock_open(), .mutex = mutex_open()};
    (void)state;
    rwlock_read(s.lock);
    struct thread *writer = thread_start(write_once, &s);
    thread_sleep_ms(SURELY_MS);
    struct thread *reader = thread_start(read_once, &s);
    thread_sleep_ms(SURELY_MS);
    assert_int_equal(noted(&s), 0); /* nobody: the first one still reads */
    rwlock_read_end(s.lock);
    thread_join(writer);
    thread_join(reader);
    assert_string_equal(s.order, "wr");
    rwlock_close(s.lock);
    mutex_close(s.mutex);
}

static void many_read_at_once(void **state) {
    struct scene s = {.lock = rwlock_open(), .mutex = mutex_open()};
    (void)state;
    rwlock_read(s.lock);
    struct thread *reader = thread_start(read_once, &s);
    thread_join(reader);
    assert_string_equal(s.order, "r");
    rwlock_read_end(s.lock);
    rwlock_close(s.lock);
    mutex_close(s.mutex);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_that_waits_is_next),
        cmocka_unit_test(many_read_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
