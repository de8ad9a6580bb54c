/* Private to the room: the loop's insides, for the files that speak libuv. */
#ifndef NET_INNER_H
#define NET_INNER_H

#include "net/loop.h"

#include <uv.h>

enum { NET_READ_MAX = 64 * 1024 };

struct net_loop {
    uv_loop_t uv;
    const struct env *env;
    /* Where all connections of the loop read into: what is read is handed on
     * before the next read, so one buffer serves thousands. */
    char read[NET_READ_MAX];
};

#endif
