/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* samba_rpc.c: a Win32 RPC client over ncacn_np: what time it is at the server, as whom the server knows us, and, if a number of
 * bytes is given, whether that many come back from the server's registry as they were put there.
 *
 * rpcrt4 opens \\.\pipe\srvsvc and so on as any program does; samba.idl has the calls.
 */
#include "samba.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAXIMUM_ALLOWED_ = 0x02000000, BINARY = 3 };

/* What the marshalling asks for memory. */
void* __RPC_USER MIDL_user_allocate(SIZE_T size)
{
    return malloc(size);
}

void __RPC_USER MIDL_user_free(void* memory)
{
    free(memory);
}

static void fail(const char* what, long error)
{
    (void)fprintf(stderr, "%s: error %ld (0x%lx)\n", what, error, error);
    exit(1);
}

static void expect(const char* what, long error)
{
    if (error) {
        fail(what, error);
    }
}

static handle_t bind_to(const wchar_t* endpoint)
{
    RPC_WSTR text = NULL;
    handle_t binding = NULL;
    expect("RpcStringBindingCompose",
           RpcStringBindingComposeW(NULL, (RPC_WSTR)L"ncacn_np", NULL, (RPC_WSTR)endpoint, NULL, &text));
    expect("RpcBindingFromStringBinding", RpcBindingFromStringBindingW(text, &binding));
    RpcStringFreeW(&text);
    return binding;
}

static void show_time(void)
{
    time_of_day* time = NULL;
    srvsvc_binding = bind_to(L"\\pipe\\srvsvc");
    expect("NetrRemoteTOD", (long)NetrRemoteTOD(NULL, &time));
    printf("time %04lu-%02lu-%02lu %02lu:%02lu UTC\n", time->year, time->month, time->day, time->hours, time->minutes);
    free(time);
    RpcBindingFree(&srvsvc_binding);
}

static void show_user(void)
{
    counted_string *user = NULL, *domain = NULL;
    lsarpc_binding = bind_to(L"\\pipe\\lsarpc");
    expect("LsarGetUserName", LsarGetUserName(NULL, &user, &domain));
    printf("user %.*ls\n", user->length / 2, user->text);
    RpcBindingFree(&lsarpc_binding);
}

static counted_string counted(wchar_t* text)
{
    const unsigned short size = (unsigned short)(2 * wcslen(text) + 2);
    return (counted_string){size, size, text};
}

/* Nobody uses this key: it is made, and taken away again. */
static void use_registry(unsigned long size)
{
    policy_handle root, key;
    counted_string name = counted((wchar_t*)L"SOFTWARE\\ntpipe example"), value = counted((wchar_t*)L"value");
    counted_string nothing = {0, 0, NULL};
    byte *put = malloc(size), *got = calloc(1, size);
    unsigned long type = 0, room = size, length = 0, disposition = 0;
    if (!put || !got) {
        fail("no memory", (long)size);
    }
    winreg_binding = bind_to(L"\\pipe\\winreg");
    for (unsigned long i = 0; i < size; i++) {
        put[i] = (byte)(i * 7 + (i >> 8) * 13);
    }
    expect("OpenLocalMachine", (long)OpenLocalMachine(NULL, MAXIMUM_ALLOWED_, &root));
    expect("BaseRegCreateKey",
           (long)BaseRegCreateKey(&root, name, nothing, 0, MAXIMUM_ALLOWED_, NULL, &key, &disposition));
    expect("BaseRegSetValue", (long)BaseRegSetValue(&key, value, BINARY, put, size));
    expect("BaseRegQueryValue", (long)BaseRegQueryValue(&key, &value, &type, got, &room, &length));
    if (type != BINARY || length != size || memcmp(put, got, size) != 0) {
        fail("what came back is not what was sent", (long)length);
    }
    expect("BaseRegCloseKey", (long)BaseRegCloseKey(&key));
    expect("BaseRegDeleteKey", (long)BaseRegDeleteKey(&root, name));
    RpcBindingFree(&winreg_binding);
    printf("registry %lu bytes\n", size);
    free(put);
    free(got);
}

/* The runtime raises an exception when the server cannot be reached, or answers something else. */
static LONG WINAPI on_exception(EXCEPTION_POINTERS* raised)
{
    (void)fprintf(stderr, "RPC error %lu\n", raised->ExceptionRecord->ExceptionCode);
    ExitProcess(1);
}

int main(int argc, char** argv)
{
    SetUnhandledExceptionFilter(on_exception);
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    show_time();
    show_user();
    for (int i = 1; i < argc; i++) {
        use_registry(strtoul(argv[i], NULL, 10));
    }
    return 0;
}
