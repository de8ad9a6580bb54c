/* The event loop: what waits for sockets and timers in one thread.
 *
 * A thin skin over libuv, so that those who use the room need not see it. A loop
 * and all that was opened on it belong to one thread. Callbacks run from
 * net_loop_run only, never from within the call that set them up, unless a
 * header says otherwise.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/env.h"

struct net_loop;
struct net_timer;

/* Borrows env, which must outlive the loop. ERR_MEMORY, or ERR_IO with the
 * system's reason. */
enum err net_loop_open(const struct env *env, struct net_loop **out, struct fault *f) MUST_CHECK;
/* Everything that was opened on it must have been closed; it waits for what is
 * still on its way out. NULL is allowed. */
void net_loop_close(struct net_loop *l);

/* Runs callbacks until nothing is left to wait for. */
void net_loop_run(struct net_loop *l);
/* Milliseconds of a clock that never goes back; taken once a turn of the loop. */
uint64_t net_loop_now_ms(const struct net_loop *l);
const struct env *net_loop_env(const struct net_loop *l);

/* A timer: fires after `after_ms`, then every `repeat_ms` unless that is 0. */
typedef void net_timer_fired(void *context);
/* NULL: no memory. */
struct net_timer *net_timer_open(struct net_loop *l, net_timer_fired *fired, void *context);
void net_timer_start(struct net_timer *t, uint64_t after_ms, uint64_t repeat_ms);
void net_timer_stop(struct net_timer *t);
void net_timer_close(struct net_timer *t); /* it does not fire any more; NULL is allowed */

#endif
