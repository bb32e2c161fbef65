#include "support/standin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 256, COMMAND_BYTES = 1024 };

static void give_up(const char *why)
{
    fprintf(stderr, "stand-in: %s\n", why);
    exit(1);
}

static void read_address(struct standin *s, int from)
{
    static const char READY[] = "standin listening on ";
    char line[256];
    FILE *f = fdopen(from, "r");

    if (!f || !fgets(line, sizeof line, f) || strncmp(line, READY, sizeof READY - 1) != 0)
        give_up("it did not start");
    str url = str_trim(str_of(line + sizeof READY - 1));

    if (url.n >= sizeof s->url)
        give_up("where it listens");
    memcpy(s->url, url.p, url.n);
    s->url[url.n] = '\0';
    fclose(f);
}

static void start(struct standin *s, const char *ca_file, char *const *argv)
{
    int pipe_fds[2];

    *s = (struct standin){
        .http = http_client_open(&(struct http_options){.user_agent = "test", .ca_file = ca_file})};
    if (!s->http || pipe(pipe_fds) != 0)
        give_up("no pipe");
    s->pid = fork();
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(pipe_fds[1], STDOUT_FILENO);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(pipe_fds[1]);
    if (s->pid < 0)
        give_up("no process");
    read_address(s, pipe_fds[0]);
}

void standin_start(struct standin *s)
{
    start(s, NULL, (char *[]){"node", "tests/standin/server.js", "--port", "0", NULL});
}

void standin_start_tls(struct standin *s, const char *dir)
{
    char cert[PATH_BYTES], key[PATH_BYTES], command[COMMAND_BYTES];

    snprintf(cert, sizeof cert, "%s/cert.pem", dir);
    snprintf(key, sizeof key, "%s/key.pem", dir);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
             "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>&-",
             key, cert);
    if (system(command) != 0)
        give_up("no certificate");
    start(s, cert,
          (char *[]){"node", "tests/standin/server.js", "--port", "0", "--cert", cert, "--key", key,
                     "--http2", "yes", NULL});
}

void standin_stop(struct standin *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    http_client_close(s->http);
}

str standin_admin(const struct standin *s, struct call *c, const char *path, const char *json)
{
    struct http_response r;
    const struct http_field type = {STR("Content-Type"), STR("application/json")};
    struct http_request q = {.method = json ? HTTP_POST : HTTP_GET,
                             .url = str_of(arena_printf(&c->arena, "%s/_admin%s", s->url, path)),
                             .reach = HTTP_OPERATOR,
                             .fields = &type,
                             .n_fields = 1,
                             .body = str_of(json),
                             .body_max = 16 << 20};

    if (http_send(s->http, c, &q, &r) != STATUS_OK || r.status >= 300)
        give_up(c->fault.why[0] ? c->fault.why : path);
    return r.body;
}
