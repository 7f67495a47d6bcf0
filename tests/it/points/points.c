/*
 * Numbers the calls by which a process reaches its files and its servers, and lets one of them go wrong.
 *
 * Loaded in front of the C library (LD_PRELOAD). A file counts that is below POINTS_ROOT or named by a relative path, a socket when it was
 * connected to POINTS_PORT. Calls that write are numbered from 1 over all threads. At the one of number POINTS_AT, POINTS_MODE says what happens:
 *
 *   count        nothing
 *   once         it fails, and does nothing (EIO; of a socket: the connection is gone, and nothing was sent)
 *   always       so do all behind it
 *   lost         of a socket: it is done, and the connection is gone; of a file it fails like `once`, though it is done
 *   torn         half of what should be written is, and the process is killed
 *   before       the process is killed instead
 *   after        it is done, and the process is killed
 *   cut          the power goes: what was written since a file was synchronised last is lost, and so is that a file was removed where its folder
 *                was not synchronised since; the process is killed
 *   cut_some     the same, but the system had kept every other of these changes
 *   commits      only what asks a server to commit counts; from POINTS_AT on, one is never sent and the next is done and not answered, by turns
 *
 * Where POINTS_ONLY is set, only what makes durable counts: a file whose path holds that text and that is synchronised, a message that asks
 * a server to commit.
 *
 * Where POINTS_READS is set, only what reads counts: a file, and a socket at which something has come in. There POINTS_MODE says:
 *
 *   count        nothing
 *   once         it fails, and what is there can still be read (EIO; of a socket ETIMEDOUT)
 *   always       so do all behind it
 *   lost         of a socket: the connection is gone, with what had come in; a file fails
 *   ended        of a socket: the other side has hung up; a file fails
 *
 * How many calls there were is written to POINTS_OUT at the end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
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
static const char *only_commits;
static const char *only_reads;

#define REAL(name) ((__typeof__(&name))real(#name))

/* The library itself cannot go on. */
static void broken(int line) {
    dprintf(2, "points.c:%d: %s\n", line, strerror(errno));
    _exit(97);
}

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) broken(__LINE__);
    return found;
}

__attribute__((constructor)) static void begin(void) {
    const char *text;
    if ((text = getenv("POINTS_MODE"))) snprintf(mode, sizeof mode, "%s", text);
    if ((text = getenv("POINTS_ROOT"))) snprintf(root, sizeof root, "%s", text);
    if ((text = getenv("POINTS_AT"))) at = atol(text);
    if ((text = getenv("POINTS_PORT"))) port = atoi(text);
    only_commits = getenv("POINTS_ONLY");
    only_reads = getenv("POINTS_READS");
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

/*
 * What the power would take: changes of files that were not synchronised since, with what was there before. A file that is removed is kept
 * under another name until its folder is synchronised.
 */
struct change {
    struct change *before;
    char path[PATH_MAX];
    char kept_as[PATH_MAX];
    off_t offset;
    off_t size;
    size_t count;
    char *bytes;
};
static struct change *unsynchronised;
static pthread_mutex_t changing = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static int is_cut(void) {
    return is("cut") || is("cut_some");
}

static void path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
}

static struct change *new_change(void) {
    struct change *change = calloc(1, sizeof *change);
    if (!change) broken(__LINE__);
    change->before = unsynchronised;
    return unsynchronised = change;
}

/* Keeps what a write, or a new size, takes away. */
static void keep(int fd, off_t offset, size_t count) {
    struct stat file;
    if (!is_cut() || kind_of(fd) != A_FILE || fstat(fd, &file) != 0) return;
    struct change *change = new_change();
    path_of(fd, change->path);
    change->offset = offset;
    change->size = file.st_size;
    change->bytes = malloc(count ? count : 1);
    int reader = REAL(open)(change->path, O_RDONLY);
    ssize_t got = reader < 0 ? 0 : REAL(pread)(reader, change->bytes, count, offset);
    change->count = got < 0 ? 0 : got;
    if (reader >= 0) REAL(close)(reader);
}

static off_t position(int fd) {
    struct stat file;
    int appends = fcntl(fd, F_GETFL) & O_APPEND;
    return appends && fstat(fd, &file) == 0 ? file.st_size : lseek(fd, 0, SEEK_CUR);
}

/* The name that goes; where it is that of a link, what this leads to stays. */
static int place_of(const char *path, char *whole) {
    char folder[PATH_MAX], found[PATH_MAX];
    struct stat file;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    if (lstat(path, &file) != 0 || !realpath(folder, found)) return 0;
    return snprintf(whole, PATH_MAX, "%s/%s", found, name) < PATH_MAX;
}

static void keep_removed(const char *path) {
    static int number;
    char whole[PATH_MAX];
    if (!is_cut() || !is_ours(path) || !place_of(path, whole)) return;
    struct change *change = new_change();
    snprintf(change->path, sizeof change->path, "%s", whole);
    for (;;) {
        if (snprintf(change->kept_as, sizeof change->kept_as, "%s.removed-%d-%d", whole, (int)getpid(), number++) >= PATH_MAX) broken(__LINE__);
        if (REAL(link)(whole, change->kept_as) == 0) return;
        /* A process of the same number may have left it in an earlier try. */
        if (errno != EEXIST) broken(__LINE__);
    }
}

/* A file, or a folder with what was removed from it, is durable as it is. */
static void synchronised(int fd) {
    char path[PATH_MAX];
    struct stat file;
    if (!is_cut() || fstat(fd, &file) != 0) return;
    path_of(fd, path);
    size_t length = strlen(path);
    for (struct change **at = &unsynchronised; *at;) {
        struct change *change = *at;
        const char *rest = strncmp(change->path, path, length) == 0 ? change->path + length : "-";
        int is_in = S_ISDIR(file.st_mode) && change->kept_as[0] && rest[0] == '/' && !strchr(rest + 1, '/');
        int is_it = !change->kept_as[0] && rest[0] == 0;
        if (!is_in && !is_it) {
            at = &change->before;
            continue;
        }
        if (is_in) REAL(unlink)(change->kept_as);
        *at = change->before;
        free(change->bytes);
        free(change);
    }
}

/* Takes back what was not synchronised, the last first. */
static void cut(void) {
    pthread_mutex_lock(&changing);
    long turn = 0;
    for (struct change *change = unsynchronised; change; change = change->before) {
        if (is("cut_some") && (turn++ + at) % 2) {
            if (change->kept_as[0]) REAL(unlink)(change->kept_as);
            continue;
        }
        if (change->kept_as[0]) {
            REAL(rename)(change->kept_as, change->path);
            continue;
        }
        int fd = REAL(open)(change->path, O_WRONLY);
        if (fd < 0) continue;
        if (REAL(pwrite)(fd, change->bytes, change->count, change->offset) < 0) broken(__LINE__);
        if (REAL(ftruncate)(fd, change->size) != 0) broken(__LINE__);
        REAL(close)(fd);
    }
    die();
}

__attribute__((destructor)) static void forget_removed(void) {
    for (struct change *change = unsynchronised; change; change = change->before) {
        if (change->kept_as[0]) REAL(unlink)(change->kept_as);
    }
}

/* One more call; says what becomes of it. */
static enum fate next(void) {
    long number = atomic_fetch_add(&made, 1) + 1;
    if (is("always") && number >= at) return FAIL;
    if (number != at) return GO_ON;
    if (is("before")) die();
    if (is_cut()) cut();
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

/* A call that makes durable; `done` is evaluated at most once, and `half` where the call is torn. */
#define DURABLE_POINT(fd, done, half)                \
    do {                                             \
        if (kind_of(fd) == OTHER || is("commits") || only_reads) return (done); \
        enum fate fate = next();                     \
        if (fate == FAIL) return failed(fd);         \
        if (fate == TEAR) return ended(fate, fd, (half)); \
        return ended(fate, fd, (done));              \
    } while (0)

/* Any other call on a descriptor. */
#define POINT(fd, done, half)                        \
    do {                                             \
        if (only_commits) return (done);             \
        DURABLE_POINT(fd, done, half);               \
    } while (0)

/* A call on a path. */
#define PATH_POINT(path, done)                       \
    do {                                             \
        if (!is_ours(path) || is("commits") || only_commits || only_reads) return (done); \
        enum fate fate = next();                     \
        if (fate == FAIL) return failed(-1);         \
        return ended(fate, -1, (done));              \
    } while (0)

static int opened(int fd, const char *path) {
    note(fd, is_ours(path) && (!only_commits || strstr(path, only_commits)) ? A_FILE : OTHER);
    return fd;
}

#define OPEN(name)                                               \
    int name(const char *path, int flags, ...) {                 \
        va_list more;                                            \
        va_start(more, flags);                                   \
        mode_t bits = va_arg(more, mode_t);                      \
        va_end(more);                                            \
        if (is_ours(path) && (flags & O_CREAT) && !is("commits") && !only_commits && !only_reads) { \
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

/* Where the power goes, no other change is half done. */
#define HELD(type, name, kept, ...)                              \
    do {                                                         \
        if (!is_cut()) break;                                    \
        pthread_mutex_lock(&changing);                           \
        if (kind_of(fd) != OTHER) next();                        \
        kept;                                                    \
        type gave = REAL(name)(__VA_ARGS__);                     \
        pthread_mutex_unlock(&changing);                         \
        return gave;                                             \
    } while (0)

ssize_t write(int fd, const void *bytes, size_t count) {
    HELD(ssize_t, write, keep(fd, position(fd), count), fd, bytes, count);
    POINT(fd, REAL(write)(fd, bytes, count), REAL(write)(fd, bytes, count / 2));
}

static int is_commit(const void *bytes, size_t count) {
    /* The end of a query, or of a statement of several. */
    return memmem(bytes, count, "commit", sizeof "commit") || memmem(bytes, count, "commit;", strlen("commit;"));
}

/* What becomes of a message to a server where only commits are lost. */
static enum fate next_commit(const void *bytes, size_t count) {
    if (!is_commit(bytes, count)) return GO_ON;
    long turn = atomic_fetch_add(&made, 1) + 1 - at;
    return turn < 0 ? GO_ON : turn % 2 ? FAIL_AFTER : FAIL;
}

ssize_t send(int fd, const void *bytes, size_t count, int flags) {
    if (is("commits")) {
        enum fate fate = kind_of(fd) == A_SOCKET ? next_commit(bytes, count) : GO_ON;
        if (fate == FAIL) return failed(fd);
        return ended(fate, fd, REAL(send)(fd, bytes, count, flags));
    }
    if (only_commits && !is_commit(bytes, count)) return REAL(send)(fd, bytes, count, flags);
    DURABLE_POINT(fd, REAL(send)(fd, bytes, count, flags), REAL(send)(fd, bytes, count / 2, flags));
}

static size_t length_of(const struct iovec *parts, int count) {
    size_t length = 0;
    for (int part = 0; part < count; part++) length += parts[part].iov_len;
    return length;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    HELD(ssize_t, writev, keep(fd, position(fd), length_of(parts, count)), fd, parts, count);
    POINT(fd, REAL(writev)(fd, parts, count), REAL(writev)(fd, parts, count / 2));
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    HELD(ssize_t, pwrite, keep(fd, offset, count), fd, bytes, count, offset);
    POINT(fd, REAL(pwrite)(fd, bytes, count, offset), REAL(pwrite)(fd, bytes, count / 2, offset));
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    HELD(ssize_t, pwrite64, keep(fd, offset, count), fd, bytes, count, offset);
    POINT(fd, REAL(pwrite64)(fd, bytes, count, offset), REAL(pwrite64)(fd, bytes, count / 2, offset));
}

int fsync(int fd) {
    HELD(int, fsync, synchronised(fd), fd);
    DURABLE_POINT(fd, REAL(fsync)(fd), 0);
}

int fdatasync(int fd) {
    HELD(int, fdatasync, synchronised(fd), fd);
    DURABLE_POINT(fd, REAL(fdatasync)(fd), 0);
}

static void keep_end(int fd, off_t length) {
    struct stat file;
    int shrinks = fstat(fd, &file) == 0 && file.st_size > length;
    keep(fd, length, shrinks ? file.st_size - length : 0);
}

int ftruncate(int fd, off_t length) {
    HELD(int, ftruncate, keep_end(fd, length), fd, length);
    POINT(fd, REAL(ftruncate)(fd, length), 0);
}

int ftruncate64(int fd, off64_t length) {
    HELD(int, ftruncate64, keep_end(fd, length), fd, length);
    POINT(fd, REAL(ftruncate64)(fd, length), 0);
}

int unlink(const char *path) {
    if (is_cut() && is_ours(path)) {
        pthread_mutex_lock(&changing);
        next();
        keep_removed(path);
        int gave = REAL(unlink)(path);
        pthread_mutex_unlock(&changing);
        return gave;
    }
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

/* Whether a read of it would bring anything, be it the news that nobody is there any more. */
static int has_something(int fd) {
    char byte;
    return kind_of(fd) == A_FILE || REAL(recv)(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* One more read; says whether it goes wrong. */
static int read_fails(int fd) {
    if (!only_reads || kind_of(fd) == OTHER || !has_something(fd)) return 0;
    long number = atomic_fetch_add(&made, 1) + 1;
    return number == at || (is("always") && number > at);
}

static ssize_t unread(int fd) {
    if (kind_of(fd) == A_FILE || is("lost")) return failed(fd);
    if (is("ended")) {
        shutdown(fd, SHUT_RDWR);
        return 0;
    }
    errno = ETIMEDOUT;
    return -1;
}

ssize_t read(int fd, void *bytes, size_t count) {
    return read_fails(fd) ? unread(fd) : REAL(read)(fd, bytes, count);
}

ssize_t readv(int fd, const struct iovec *parts, int count) {
    return read_fails(fd) ? unread(fd) : REAL(readv)(fd, parts, count);
}

ssize_t pread(int fd, void *bytes, size_t count, off_t offset) {
    return read_fails(fd) ? unread(fd) : REAL(pread)(fd, bytes, count, offset);
}

ssize_t pread64(int fd, void *bytes, size_t count, off64_t offset) {
    return read_fails(fd) ? unread(fd) : REAL(pread64)(fd, bytes, count, offset);
}

ssize_t recv(int fd, void *bytes, size_t count, int flags) {
    return read_fails(fd) ? unread(fd) : REAL(recv)(fd, bytes, count, flags);
}

ssize_t recvfrom(int fd, void *bytes, size_t count, int flags, struct sockaddr *from, socklen_t *length) {
    return read_fails(fd) ? unread(fd) : REAL(recvfrom)(fd, bytes, count, flags, from, length);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    return read_fails(fd) ? unread(fd) : REAL(recvmsg)(fd, message, flags);
}
