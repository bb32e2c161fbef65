/* Starts peer.py and waits for its "ready" line. */
#include "client/peer.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void exec_peer(const struct peer *p, const char *listen)
{
    char cert[128], key[128];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(cert, sizeof cert, "%s/cert.pem", p->folder);
    snprintf(key, sizeof key, "%s/key.pem", p->folder);
    if (p->cert)
        execl("/usr/bin/python3", "python3", "tests/client/peer.py", getenv("SALES_DESCRIPTOR_SET"),
              listen, "--tls", cert, key, (char *)NULL);
    else
        execl("/usr/bin/python3", "python3", "tests/client/peer.py", getenv("SALES_DESCRIPTOR_SET"),
              listen, (char *)NULL);
    _exit(127);
}

/* Returns the port that peer.py reports. */
static int launch(struct peer *p, const char *listen)
{
    int in[2], out[2], port = -1;
    FILE *f;

    cr_assert(getenv("SALES_DESCRIPTOR_SET"), "SALES_DESCRIPTOR_SET is not set");
    cr_assert(pipe(in) == 0 && pipe(out) == 0);
    cr_assert((p->pid = fork()) >= 0);
    if (p->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        exec_peer(p, listen);
    }
    close(in[0]);
    close(out[1]);
    p->lifeline = in[1];
    f = fdopen(out[0], "r");
    cr_assert(f && fscanf(f, "ready %d", &port) == 1, "peer.py did not start");
    fclose(f);
    return port;
}

static void make_folder(struct peer *p)
{
    snprintf(p->folder, sizeof p->folder, "/tmp/sales-peer.XXXXXX");
    cr_assert(mkdtemp(p->folder));
}

void peer_start(struct peer *p)
{
    *p = (struct peer){.pid = 0};
    make_folder(p);
    snprintf(p->address, sizeof p->address, "127.0.0.1:%d", launch(p, "127.0.0.1:0"));
}

void peer_start_unix(struct peer *p)
{
    *p = (struct peer){.pid = 0};
    make_folder(p);
    snprintf(p->address, sizeof p->address, "unix:%s/socket", p->folder);
    launch(p, p->address);
}

static char *read_all(const char *path)
{
    char *text = calloc(1, 1 << 14);
    FILE *f = fopen(path, "r");

    cr_assert(f && text && fread(text, 1, (1 << 14) - 1, f) > 0, "no %s", path);
    fclose(f);
    return text;
}

void peer_start_tls(struct peer *p)
{
    char command[512], path[128];

    *p = (struct peer){.pid = 0};
    make_folder(p);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
             " -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
             " -keyout %s/key.pem -out %s/cert.pem 2>/dev/null",
             p->folder, p->folder);
    cr_assert(system(command) == 0, "openssl failed");
    snprintf(path, sizeof path, "%s/cert.pem", p->folder);
    p->cert = read_all(path);
    snprintf(p->address, sizeof p->address, "127.0.0.1:%d", launch(p, "127.0.0.1:0"));
}

void peer_kill(struct peer *p)
{
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    close(p->lifeline);
    p->pid = 0;
}

void peer_restart(struct peer *p)
{
    if (strncmp(p->address, "unix:", 5) == 0)
        unlink(p->address + 5);
    launch(p, p->address);
}

void peer_stop(struct peer *p)
{
    char command[128];

    if (p->pid)
        peer_kill(p);
    free(p->cert);
    snprintf(command, sizeof command, "rm -rf %s", p->folder);
    cr_assert(system(command) == 0);
}
