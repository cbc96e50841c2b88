/* A clock that can be moved on: preloaded into a process, it adds an offset to the time of day.
 *
 * The offset, in nanoseconds, is the one number in the file that GRISTMILL_CLOCK names. It is read at each call, so that
 * every process that has the file moves on at the same moment. Waiting is not touched: timeouts and sleeps go by the
 * monotonic clock, and take as long as they say. Without the file the time is the machine's.
 *
 * clock.py compiles this and says why it is not libfaketime. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static volatile const int64_t *offset;
static int (*machine)(clockid_t, struct timespec *);

/* Before any thread; a call that comes earlier does it itself. */
__attribute__((constructor)) static void begin(void) {
    if (machine)
        return;
    const char *path = getenv("GRISTMILL_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *mapped = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
        if (mapped != MAP_FAILED)
            offset = mapped;
        close(file);
    }
    machine = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    begin();
    int failed = machine(clock, time);
    if (!failed && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t moved = *offset + time->tv_nsec;
        time->tv_sec += moved / SECOND;
        time->tv_nsec = moved % SECOND;
    }
    return failed;
}

time_t time(time_t *told) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (told)
        *told = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict told, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    told->tv_sec = now.tv_sec;
    told->tv_usec = now.tv_nsec / 1000;
    return 0;
}

int timespec_get(struct timespec *told, int base) {
    if (base == TIME_UTC)
        clock_gettime(CLOCK_REALTIME, told);
    return base == TIME_UTC ? base : 0;
}
