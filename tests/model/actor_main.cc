// SPDX-License-Identifier: LGPL-2.1-or-later
// actor_main.cc: ntpipe-model-actor: carries out what a tester tells it on its standard input, a socket.
//
// usage: ntpipe-model-actor DIRECTORY
#include "actor_process.hpp"

#include <unistd.h>

int main(int argc, char** argv)
{
    return argc == 2 ? ntpipe::model::be_actor(STDIN_FILENO, argv[1]) : 2;
}
