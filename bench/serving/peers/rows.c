/* How many rows of ours MariaDB takes from one connection: multi-row INSERTs with literals, one commit each.
   Usage: rows SOCKET DATABASE SECONDS ROWS_PER_STATEMENT IDS_FILE; prints rows and seconds. */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 6) return 2;
    double seconds = atof(argv[3]);
    int per = atoi(argv[4]), ids = 0, capacity = 1024;
    char (*id)[65] = malloc(65 * capacity);
    FILE *file = fopen(argv[5], "r");
    if (!file) return 2;
    while (fscanf(file, "%64s", id[ids]) == 1)
        if (++ids == capacity) id = realloc(id, 65 * (capacity *= 2));
    MYSQL *db = mysql_init(NULL);
    if (!ids || !mysql_real_connect(db, NULL, "root", NULL, argv[2], 0, argv[1], 0)) {
        fprintf(stderr, "%s\n", mysql_error(db));
        return 1;
    }
    char *sql = malloc(1024 * (per + 1));
    srandom((unsigned)time(NULL));
    double start = now(), end = start + seconds;
    long rows = 0;
    unsigned long long key = (unsigned long long)time(NULL) << 24;
    while (now() < end) {
        int at = sprintf(sql, "INSERT INTO email_tracking_events (event_key, tracking_id, recipient_id, event_type,"
                              " user_agent, ip_address, occurred_at) VALUES ");
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        char when[32];
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", gmtime(&t.tv_sec));
        for (int i = 0; i < per; i++) {
            int n = random() % ids;
            at += sprintf(sql + at,
                          "%s(x'%012llx%08lx%012lx','%s',%d,'open','Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
                          "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36','%ld.%ld.%ld.0',"
                          "'%s.%06ld')",
                          i ? "," : "", ++key & 0xffffffffffffULL, random() & 0xffffffffL, random(), id[n], n + 1,
                          11 + random() % 100, random() % 256, random() % 256, when, t.tv_nsec / 1000);
        }
        if (mysql_real_query(db, sql, at)) {
            fprintf(stderr, "%s\n", mysql_error(db));
            return 1;
        }
        rows += per;
    }
    printf("{\"rows\": %ld, \"seconds\": %f}\n", rows, now() - start);
    mysql_close(db);
    return 0;
}
