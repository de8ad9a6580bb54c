/* Threads and locks on libuv. See thread.h. */
#include "base/thread.h"

#include <stdlib.h>
#include <uv.h>

struct thread {
    uv_thread_t uv;
};
struct mutex {
    uv_mutex_t uv;
};
struct cond {
    uv_cond_t uv;
};
/* Some systems let readers in as long as there are any. So who wants to write shuts the gate,
 * and those who come to read wait behind it. */
struct rwlock {
    uv_rwlock_t uv;
    uv_mutex_t gate;
};

struct thread *thread_start(void (*run)(void *argument), void *argument) {
    struct thread *t = malloc(sizeof *t);
    if (t != NULL && uv_thread_create(&t->uv, run, argument) != 0) {
        free(t);
        return NULL;
    }
    return t;
}

void thread_join(struct thread *t) {
    if (t == NULL)
        return;
    uv_thread_join(&t->uv);
    free(t);
}

void thread_sleep_ms(unsigned ms) {
    uv_sleep(ms);
}

struct mutex *mutex_open(void) {
    struct mutex *m = malloc(sizeof *m);
    if (m != NULL && uv_mutex_init(&m->uv) != 0) {
        free(m);
        return NULL;
    }
    return m;
}

void mutex_close(struct mutex *m) {
    if (m == NULL)
        return;
    uv_mutex_destroy(&m->uv);
    free(m);
}

void mutex_lock(struct mutex *m) {
    uv_mutex_lock(&m->uv);
}

void mutex_unlock(struct mutex *m) {
    uv_mutex_unlock(&m->uv);
}

struct cond *cond_open(void) {
    struct cond *c = malloc(sizeof *c);
    if (c != NULL && uv_cond_init(&c->uv) != 0) {
        free(c);
        return NULL;
    }
    return c;
}

void cond_close(struct cond *c) {
    if (c == NULL)
        return;
    uv_cond_destroy(&c->uv);
    free(c);
}

void cond_wait(struct cond *c, struct mutex *m) {
    uv_cond_wait(&c->uv, &m->uv);
}

bool cond_wait_ms(struct cond *c, struct mutex *m, uint64_t ms) {
    return uv_cond_timedwait(&c->uv, &m->uv, ms * 1000000) == 0;
}

void cond_signal(struct cond *c) {
    uv_cond_signal(&c->uv);
}

void cond_broadcast(struct cond *c) {
    uv_cond_broadcast(&c->uv);
}

struct rwlock *rwlock_open(void) {
    struct rwlock *l = malloc(sizeof *l);
    if (l == NULL)
        return NULL;
    bool has_gate = uv_mutex_init(&l->gate) == 0;
    if (has_gate && uv_rwlock_init(&l->uv) == 0)
        return l;
    if (has_gate)
        uv_mutex_destroy(&l->gate);
    free(l);
    return NULL;
}

void rwlock_close(struct rwlock *l) {
    if (l == NULL)
        return;
    uv_rwlock_destroy(&l->uv);
    uv_mutex_destroy(&l->gate);
    free(l);
}

void rwlock_read(struct rwlock *l) {
    uv_mutex_lock(&l->gate);
    uv_rwlock_rdlock(&l->uv);
    uv_mutex_unlock(&l->gate);
}

void rwlock_read_end(struct rwlock *l) {
    uv_rwlock_rdunlock(&l->uv);
}

void rwlock_write(struct rwlock *l) {
    uv_mutex_lock(&l->gate);
    uv_rwlock_wrlock(&l->uv);
    uv_mutex_unlock(&l->gate);
}

void rwlock_write_end(struct rwlock *l) {
    uv_rwlock_wrunlock(&l->uv);
}
