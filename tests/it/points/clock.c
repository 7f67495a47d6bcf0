/*
 * Lets the clock that tells the time of day be wrong (LD_PRELOAD): CLOCK_AHEAD seconds ahead, and where CLOCK_STEPS is set, an hour further back at
 * every hundredth time that it is asked. Clocks that only count are left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static atomic_long asked;

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(clock, time);
    if (done == 0 && clock == CLOCK_REALTIME) {
        const char *ahead = getenv("CLOCK_AHEAD"), *steps = getenv("CLOCK_STEPS");
        if (ahead) time->tv_sec += atol(ahead);
        if (steps && atoi(steps)) time->tv_sec -= 3600 * (atomic_fetch_add(&asked, 1) / 100);
    }
    return done;
}
