/*
 * Numbers the calls by which a process reaches its files and its servers, and lets one of them go wrong.
 *
 * Loaded in front of the C library (LD_PRELOAD). A file counts that is below POINTS_ROOT or named by a relative path, a socket when it was
 * connected to POINTS_PORT. Calls are numbered from 1 over all threads. At the one of number POINTS_AT, POINTS_MODE says what happens:
 *
 *   count        nothing
 *   once         it fails, and does nothing (EIO; of a socket: the connection is gone, and nothing was sent)
 *   always       so do all behind it
 *   lost         of a socket: it is done, and the connection is gone; of a file it fails like `once`, though it is done
 *   torn         half of what should be written is, and the process is killed
 *   before       the process is killed instead
 *   after        it is done, and the process is killed
 *   commits      only what asks a server to commit counts; from POINTS_AT on, one is never sent and the next is done and not answered, by turns
 *
 * How many calls there were is written to POINTS_OUT at the end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { OTHER, A_FILE, A_SOCKET };
enum fate { GO_ON, FAIL, FAIL_AFTER, TEAR, KILL_AFTER };

#define DESCRIPTORS 65536
static _Atomic unsigned char kinds[DESCRIPTORS];
static atomic_long made;
static long at;
static char mode[16];
static char root[4096];
static int port;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) {
        _exit(97);
    }
    return found;
}

__attribute__((constructor)) static void begin(void) {
    const char *text;
    if ((text = getenv("POINTS_MODE"))) snprintf(mode, sizeof mode, "%s", text);
    if ((text = getenv("POINTS_ROOT"))) snprintf(root, sizeof root, "%s", text);
    if ((text = getenv("POINTS_AT"))) at = atol(text);
    if ((text = getenv("POINTS_PORT"))) port = atoi(text);
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("POINTS_OUT");
    FILE *out = path ? fopen(path, "w") : NULL;
    if (out) {
        fprintf(out, "%ld\n", atomic_load(&made));
        fclose(out);
    }
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static int is(const char *name) {
    return strcmp(mode, name) == 0;
}

static int is_ours(const char *path) {
    return path && root[0] && (path[0] != '/' || strncmp(path, root, strlen(root)) == 0);
}

static enum kind kind_of(int fd) {
    return fd >= 0 && fd < DESCRIPTORS ? atomic_load(&kinds[fd]) : OTHER;
}

static void note(int fd, enum kind kind) {
    if (fd >= 0 && fd < DESCRIPTORS) atomic_store(&kinds[fd], kind);
}

/* One more call; says what becomes of it. */
static enum fate next(void) {
    long number = atomic_fetch_add(&made, 1) + 1;
    if (is("always") && number >= at) return FAIL;
    if (number != at) return GO_ON;
    if (is("before")) die();
    if (is("once")) return FAIL;
    if (is("lost")) return FAIL_AFTER;
    if (is("torn")) return TEAR;
    if (is("after")) return KILL_AFTER;
    return GO_ON;
}

static long failed(int fd) {
    if (kind_of(fd) == A_SOCKET) {
        shutdown(fd, SHUT_RDWR);
        errno = ECONNRESET;
    } else {
        errno = EIO;
    }
    return -1;
}

/* What a call gave, or what is said in its place. */
static long ended(enum fate fate, int fd, long gave) {
    if (fate == KILL_AFTER || fate == TEAR) die();
    if (fate != FAIL_AFTER) return gave;
    if (kind_of(fd) != A_SOCKET) return failed(fd);
    shutdown(fd, SHUT_RDWR);
    return gave;
}

/* A call on a descriptor; `done` is evaluated at most once, and `half` where the call is torn. */
#define POINT(fd, done, half)                        \
    do {                                             \
        if (kind_of(fd) == OTHER || is("commits")) return (done); \
        enum fate fate = next();                     \
        if (fate == FAIL) return failed(fd);         \
        if (fate == TEAR) return ended(fate, fd, (half)); \
        return ended(fate, fd, (done));              \
    } while (0)

/* A call on a path. */
#define PATH_POINT(path, done)                       \
    do {                                             \
        if (!is_ours(path) || is("commits")) return (done); \
        enum fate fate = next();                     \
        if (fate == FAIL) return failed(-1);         \
        return ended(fate, -1, (done));              \
    } while (0)

static int opened(int fd, const char *path) {
    note(fd, is_ours(path) ? A_FILE : OTHER);
    return fd;
}

#define OPEN(name)                                               \
    int name(const char *path, int flags, ...) {                 \
        va_list more;                                            \
        va_start(more, flags);                                   \
        mode_t bits = va_arg(more, mode_t);                      \
        va_end(more);                                            \
        if (is_ours(path) && (flags & O_CREAT) && !is("commits")) { \
            enum fate fate = next();                             \
            if (fate == FAIL) return failed(-1);                 \
            int fd = opened(REAL(name)(path, flags, bits), path);\
            return ended(fate, -1, fd);                          \
        }                                                        \
        return opened(REAL(name)(path, flags, bits), path);      \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                             \
    int name(int dir, const char *path, int flags, ...) {        \
        va_list more;                                            \
        va_start(more, flags);                                   \
        mode_t bits = va_arg(more, mode_t);                      \
        va_end(more);                                            \
        return opened(REAL(name)(dir, path, flags, bits), path); \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
    note(fd, OTHER);
    return REAL(close)(fd);
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
    int is_server = address->sa_family == AF_INET && ntohs(((const struct sockaddr_in *)address)->sin_port) == port;
    note(fd, port && is_server ? A_SOCKET : OTHER);
    POINT(fd, REAL(connect)(fd, address, length), REAL(connect)(fd, address, length));
}

ssize_t write(int fd, const void *bytes, size_t count) {
    POINT(fd, REAL(write)(fd, bytes, count), REAL(write)(fd, bytes, count / 2));
}

/* What becomes of a message to a server where only commits count. */
static enum fate next_commit(const void *bytes, size_t count) {
    static const char query[] = "commit";
    if (!memmem(bytes, count, query, sizeof query)) return GO_ON;
    long turn = atomic_fetch_add(&made, 1) + 1 - at;
    return turn < 0 ? GO_ON : turn % 2 ? FAIL_AFTER : FAIL;
}

ssize_t send(int fd, const void *bytes, size_t count, int flags) {
    if (is("commits")) {
        enum fate fate = kind_of(fd) == A_SOCKET ? next_commit(bytes, count) : GO_ON;
        if (fate == FAIL) return failed(fd);
        return ended(fate, fd, REAL(send)(fd, bytes, count, flags));
    }
    POINT(fd, REAL(send)(fd, bytes, count, flags), REAL(send)(fd, bytes, count / 2, flags));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    POINT(fd, REAL(writev)(fd, parts, count), REAL(writev)(fd, parts, count / 2));
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    POINT(fd, REAL(pwrite)(fd, bytes, count, offset), REAL(pwrite)(fd, bytes, count / 2, offset));
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    POINT(fd, REAL(pwrite64)(fd, bytes, count, offset), REAL(pwrite64)(fd, bytes, count / 2, offset));
}

int fsync(int fd) {
    POINT(fd, REAL(fsync)(fd), 0);
}

int fdatasync(int fd) {
    POINT(fd, REAL(fdatasync)(fd), 0);
}

int ftruncate(int fd, off_t length) {
    POINT(fd, REAL(ftruncate)(fd, length), 0);
}

int ftruncate64(int fd, off64_t length) {
    POINT(fd, REAL(ftruncate64)(fd, length), 0);
}

int unlink(const char *path) {
    PATH_POINT(path, REAL(unlink)(path));
}

int rename(const char *from, const char *to) {
    PATH_POINT(to, REAL(rename)(from, to));
}

int link(const char *from, const char *to) {
    PATH_POINT(to, REAL(link)(from, to));
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags) {
    PATH_POINT(to, REAL(linkat)(from_dir, from, to_dir, to, flags));
}

int mkdir(const char *path, mode_t bits) {
    PATH_POINT(path, REAL(mkdir)(path, bits));
}
