/* exit: the exit codes of salesd. */
#ifndef SERVER_EXIT_H
#define SERVER_EXIT_H

enum exit_code {
#define X(name, code, meaning) EXIT_##name = (code),
#include "server/exit.def"
#undef X
};

#endif
