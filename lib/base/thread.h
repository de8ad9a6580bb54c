/* Threads, locks and the background for slow work, on libuv. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include "base/err.h"

#include <stdint.h>

struct thread;
struct mutex;
struct cond;
struct rwlock;

/* NULL when the system gives none. thread_join also frees. */
struct thread *thread_start(void (*run)(void *argument), void *argument);
void thread_join(struct thread *t);

void thread_sleep_ms(unsigned ms);

struct mutex *mutex_open(void);
void mutex_close(struct mutex *m);
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);

/* Used with a mutex that the caller holds. */
struct cond *cond_open(void);
void cond_close(struct cond *c);
void cond_wait(struct cond *c, struct mutex *m);
bool cond_wait_ms(struct cond *c, struct mutex *m, uint64_t ms); /* false: time ran out */
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

/* Many readers or one writer. Who waits to write goes before those who come to read after it: so
 * a thread that reads must not ask to read again. */
struct rwlock *rwlock_open(void);
void rwlock_close(struct rwlock *l);
void rwlock_read(struct rwlock *l);
void rwlock_read_end(struct rwlock *l);
void rwlock_write(struct rwlock *l);
void rwlock_write_end(struct rwlock *l);

#endif
