/* The load generator of pacer.py at a fixed rate, in C: at thousands of requests a second Python takes most of the core
   that the database needs. Requests leave at fixed moments, times count from when each should have left.
   Usage: pacer FILE PORT SECONDS CONNECTIONS RATE; prints the same line of JSON. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DRAIN 30.0
#define HELD 65536

struct talk {
    int fd, busy, length;
    double asked_at;
    char received[HELD + 1];
};

static int port, epoll;
static struct talk *talks;
static int *idle, idles;
static long answered, refused, broken;
static double *times;
static long count, room;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void open_talk(int number) {
    struct talk *talk = &talks[number];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    talk->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (talk->fd < 0 || connect(talk->fd, (struct sockaddr *)&to, sizeof to)) {
        perror("connect");
        exit(1);
    }
    setsockopt(talk->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(talk->fd, F_SETFL, O_NONBLOCK);
    talk->busy = talk->length = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
    epoll_ctl(epoll, EPOLL_CTL_ADD, talk->fd, &event);
    idle[idles++] = number;
}

static void lost(int number) {
    struct talk *talk = &talks[number];
    if (talk->busy) broken++;
    else
        for (int i = 0; i < idles; i++)
            if (idle[i] == number) idle[i] = idle[--idles];
    close(talk->fd);
    open_talk(number);
}

static void receive(int number) {
    struct talk *talk = &talks[number];
    ssize_t got = recv(talk->fd, talk->received + talk->length, HELD - talk->length, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        lost(number);
        return;
    }
    talk->length += got;
    talk->received[talk->length] = 0;
    char *body = strstr(talk->received, "\r\n\r\n");
    if (!body) return;
    char *length = strcasestr(talk->received, "\r\ncontent-length:");
    if (!length || length > body) {
        fprintf(stderr, "an answer without Content-Length: %.200s\n", talk->received);
        exit(1);
    }
    if (talk->received + talk->length < body + 4 + atol(length + 17)) return;
    if (atoi(talk->received + 9) < 400) answered++;
    else refused++;
    if (count == room) times = realloc(times, (room = room ? 2 * room : 65536) * sizeof *times);
    times[count++] = now() - talk->asked_at;
    talk->busy = talk->length = 0;
    idle[idles++] = number;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(double share) {
    long place = (long)(count * share);
    return count ? times[place < count ? place : count - 1] : 0;
}

int main(int argc, char **argv) {
    if (argc != 6) return 2;
    port = atoi(argv[2]);
    double seconds = atof(argv[3]), rate = atof(argv[5]);
    int connections = atoi(argv[4]);
    FILE *file = fopen(argv[1], "r");
    if (!file || port <= 0 || connections <= 0 || rate <= 0) return 2;
    char line[16384], **asked = NULL;
    long requests = 0;
    while (fgets(line, sizeof line, file)) {
        char *path = strtok(line, "\t"), *address = strtok(NULL, "\t"), *agent = strtok(NULL, "\n");
        if (!agent) return 2;
        asked = realloc(asked, (requests + 1) * sizeof *asked);
        if (asprintf(&asked[requests++],
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: %s\r\nX-Forwarded-For: %s\r\n"
                     "Accept: image/avif,image/webp,*/*\r\nAccept-Encoding: gzip, deflate\r\n\r\n",
                     path, port, agent, address) < 0)
            return 1;
    }
    if (!requests) return 2;
    epoll = epoll_create1(0);
    talks = calloc(connections, sizeof *talks);
    idle = calloc(connections, sizeof *idle);
    for (int i = 0; i < connections; i++) open_talk(i);
    srandom((unsigned)time(NULL));
    double start = now(), end = start + seconds;
    long sent = 0;
    for (;;) {
        double at = now(), until = at < end ? at : end;
        long owed = (long)((until - start) * rate) - sent;
        for (; owed > 0 && idles; owed--) {
            int number = idle[--idles];
            char *request = asked[random() % requests];
            talks[number].asked_at = start + sent++ / rate;
            talks[number].busy = 1;
            if (send(talks[number].fd, request, strlen(request), MSG_NOSIGNAL) < 0) lost(number);
        }
        if (at >= end && (at >= end + DRAIN || (owed <= 0 && idles == connections))) break;
        double pause = idles ? start + (sent + 1) / rate - at : 0.05;
        if (pause > 0.05 || at >= end) pause = 0.05;
        if (pause < 0) pause = 0;
        struct timespec wait = {0, (long)(pause * 1e9)};
        struct pollfd ready = {.fd = epoll, .events = POLLIN};
        ppoll(&ready, 1, &wait, NULL);
        struct epoll_event events[256];
        int found = epoll_wait(epoll, events, 256, 0);
        for (int i = 0; i < found; i++) receive((int)events[i].data.u32);
    }
    broken += connections - idles;
    double took = now() - start;
    qsort(times, count, sizeof *times, ascending);
    printf("{\"seconds\": %f, \"answered\": %ld, \"refused\": %ld, \"broken\": %ld, \"p50\": %f, \"p99\": %f, "
           "\"p999\": %f, \"worst\": %f}\n",
           took > seconds ? took : seconds, answered, refused, broken, percentile(0.5), percentile(0.99),
           percentile(0.999), percentile(1));
    return 0;
}
