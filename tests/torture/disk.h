/* A machine that fails by plan: a disk in memory, and an allocator that may refuse, put in
 * the place of the real ones when a test is linked (`ld --wrap`; the list of calls stands in
 * the Makefile). The code under test is the one that ships and knows nothing of it; what
 * begins to use a call of lib/base/file.h or os.h is on this disk without further ado.
 *
 * The seam lies below lib/base/file.c, at libuv's calls and those of os.h, so that loops
 * over short reads are under test too. Folders are ROOT, `/` and what is made below.
 *
 * What power leaves. A write, a new size, a name given or taken is durable when the file,
 * for a name its folder, was synced. Of what was not, disk_power_on keeps any part: names in
 * any combination, sizes up to any of the changes, of the bytes any sectors of 512, each as it
 * was before or after; where nothing was written there are zeros. Whoever was told that a sync
 * failed cannot make up for it by another: that one succeeds and makes nothing durable of
 * what came before the first.
 *
 * Everything follows from the seed, also with the log's thread beside the main one: each
 * has random numbers of its own, threads that the log's thread asks for are refused (then
 * the work is done by itself), and disk_settle waits until it has nothing to do. */
#ifndef TESTS_TORTURE_DISK_H
#define TESTS_TORTURE_DISK_H

#include <stdbool.h>
#include <stdint.h>

#define DISK_ROOT "disk"

enum disk_fault {
    DISK_IO,     /* EIO, on any call */
    DISK_SYNC,   /* EIO, on a sync */
    DISK_FULL,   /* ENOSPC, also in the middle of a write */
    DISK_SHORT,  /* fewer bytes than were asked for */
    DISK_EINTR,  /* on a read or write */
    DISK_MEMORY, /* no memory */
    DISK_POWER,
    DISK_FAULTS
};

/* Everything forgotten, an empty disk, nothing fails. */
void disk_reset(uint64_t seed);

/* One call in so many fails; 0: none. Only between disk_arm(true) and disk_arm(false). */
void disk_odds(enum disk_fault kind, unsigned one_in);
void disk_arm(bool is_armed);
/* Bytes that fit yet; UINT64_MAX: any number. */
void disk_space(uint64_t bytes);

/* Off in the middle of the nth call from now on (as long as it is armed). Then every call fails
 * until power is back, for which nothing may be open. */
void disk_power_off_after(uint64_t calls);
bool disk_is_off(void);
void disk_power_on(void);

/* Waits until the thread that the main one started waits itself. */
void disk_settle(void);

/* One bit of a file, durable at once. False: there is none. */
bool disk_flip(const char *path, uint64_t bit);
uint64_t disk_size(const char *path);
bool disk_exists(const char *path);

/* All faults of one kind since the program began. */
uint64_t disk_faults(enum disk_fault kind);

/* The same numbers for the same seed. */
uint64_t disk_random(uint64_t *state);

#endif
