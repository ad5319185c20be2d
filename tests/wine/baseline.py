# SPDX-License-Identifier: LGPL-2.1-or-later
"""baseline.py: how the pipe tests of Wine come out on the stock Wine: expectations checked, by the functions of their source, and
those that Wine itself says it does not meet (todo), by line. Numbers only."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Baseline:
    """Of one program: function -> times that an expectation in it was checked; function -> line -> times it was a todo."""

    tests: dict
    todos: dict


# Threads and processes that ask again until another one is ready, or that another one ends while they speak: each run has
# another number.
VARYING = {"exerciseServer", "serverThreadMain1", "serverThreadMain2", "serverThreadMain3", "serverThreadMain4", "serverThreadMain5",
           "child_process_write_pipe"}

BASELINES = {
    "8.0": {
        "ntdll": Baseline(
            tests={
                "test_create_invalid": 6, "test_create": 72, "test_overlapped": 14, "thread": 1, "test_alertable": 20,
                "test_nonalertable": 12, "test_cancelio": 13, "synchronousio_thread": 2, "test_cancelsynchronousio": 36,
                "test_filepipeinfo": 88, "apc": 72, "test_peek": 42, "create_pipe_pair": 71, "read_pipe_test": 876,
                "test_transceive": 6, "test_completion": 89, "blocking_thread": 52, "test_blocking": 63,
                "test_volume_info": 10, "_test_file_name": 16, "create_pipe_server": 6, "connect_pipe": 8,
                "connect_and_write_pipe": 8, "test_pipe_state": 67, "test_pipe_with_data_state": 98,
                "pipe_for_each_state": 18, "create_local_info_test_pipe": 3, "connect_pipe_reader": 4,
                "test_pipe_local_info": 186, "test_file_info": 11, "get_security_descriptor": 36, "get_current_owner": 4,
                "get_current_group": 4, "well_known_sid": 2, "test_security_info": 41,
                "subtest_empty_name_pipe_operations": 28, "test_empty_name": 33, "subtest_pipe_name": 44,
            },
            todos={
                "test_create_invalid": {263: 1, 270: 1, 292: 1},
                "test_alertable": {476: 1, 490: 1},
                "test_blocking": {1770: 2},
                "test_pipe_with_data_state": {2105: 1},
                "test_pipe_local_info": {2298: 10},
                "test_file_info": {2390: 1},
                "test_security_info": {2530: 1, 2531: 1, 2589: 1},
                "subtest_empty_name_pipe_operations": {2643: 2, 2647: 2, 2656: 2, 2665: 2, 2674: 2, 2687: 10},
                "test_empty_name": {2730: 1, 2743: 1, 2764: 1, 2797: 1, 2875: 1, 2879: 1},
                "subtest_pipe_name": {2912: 2},
            }),
        "kernel32": Baseline(
            tests={
                "RpcReadFile": 16, "test_CreateNamedPipe": 374, "test_CreateNamedPipe_instances_must_match": 14,
                "test_ReadFile": 17, "test_NamedPipe_2": 7, "test_DisconnectNamedPipe": 16, "test_CreatePipe": 32820,
                "test_CloseHandle": 72, "named_pipe_client_func": 67, "make_impersonation_token": 12,
                "test_ImpersonateNamedPipeClient": 120, "get_privilege_count": 5, "test_no_sqos_no_token": 3,
                "test_no_sqos": 2, "test_static_context": 2, "test_dynamic_context": 2, "test_dynamic_context_no_token": 2,
                "test_no_sqos_revert": 3, "test_static_context_revert": 2, "test_dynamic_context_revert": 2,
                "overlapped_server": 12, "test_overlapped": 2, "test_overlapped_error": 13, "test_NamedPipeHandleState": 19,
                "test_GetNamedPipeInfo": 24, "test_readfileex_pending": 51, "flush_proc": 30, "test_blocking_rw": 2930,
                "create_writepipe_process": 3, "create_overlapped_pipe": 324, "test_overlapped_transport": 141,
                "test_transact": 254, "test_TransactNamedPipe": 4, "create_overlapped_server": 4,
                "child_process_check_pid": 5, "create_check_id_process": 2, "test_namedpipe_process_id": 30,
                "child_process_check_session_id": 5, "test_namedpipe_session_id": 28, "test_multiple_instances": 33,
                "wait_pipe_proc": 2, "async_wait_pipe": 4, "test_wait_pipe": 11, "test_nowait": 119,
                "test_GetOverlappedResultEx": 15, "child_process_exit_process_async": 4, "test_exit_process_async": 6,
                "synchronousIoThreadMain": 2, "synchronousIoThreadMain2": 3, "test_CancelSynchronousIo": 14,
            },
            todos={
                "test_no_sqos_no_token": {2100: 1},
                "test_no_sqos": {2121: 1},
                "test_dynamic_context": {2152: 1},
                "test_no_sqos_revert": {2182: 1},
                "test_static_context_revert": {2200: 1, 2204: 1},
                "test_dynamic_context_revert": {2217: 1},
                "test_NamedPipeHandleState": {2457: 1},
                "test_namedpipe_process_id": {3476: 1, 3491: 1, 3522: 1, 3523: 1, 3532: 1, 3533: 1, 3537: 1, 3538: 1},
                "test_namedpipe_session_id": {3633: 1, 3665: 1, 3666: 1, 3675: 1, 3676: 1, 3680: 1, 3681: 1},
                "test_nowait": {4038: 1, 4040: 1, 4042: 1, 4044: 1},
            }),
    },
    "10.0": {
        "ntdll": Baseline(
            tests={
                "create_process": 2, "test_create_invalid": 6, "test_create": 72, "test_overlapped": 14, "thread": 1,
                "test_alertable": 20, "test_nonalertable": 12, "test_cancelio": 17, "synchronousio_thread": 2,
                "test_cancelsynchronousio": 36, "test_filepipeinfo": 88, "apc": 72, "test_peek": 42, "create_pipe_pair": 122,
                "read_pipe_test": 876, "test_transceive": 6, "test_completion": 89, "blocking_thread": 52,
                "test_blocking": 63, "test_volume_info": 10, "_test_file_name": 16, "create_pipe_server": 6,
                "connect_pipe": 8, "connect_and_write_pipe": 8, "test_pipe_state": 67, "test_pipe_with_data_state": 160,
                "pipe_for_each_state": 18, "create_local_info_test_pipe": 3, "connect_pipe_reader": 4,
                "test_pipe_local_info": 186, "test_file_info": 11, "get_security_descriptor": 36, "get_current_owner": 4,
                "get_current_group": 4, "well_known_sid": 2, "test_security_info": 41,
                "subtest_empty_name_pipe_operations": 28, "test_empty_name": 33, "subtest_pipe_name": 44,
                "test_async_cancel_on_handle_close": 80,
            },
            todos={
                "test_alertable": {494: 1, 508: 1},
                "test_blocking": {1797: 2},
                "test_pipe_with_data_state": {2133: 10, 2153: 1},
                "test_pipe_local_info": {2346: 10},
                "test_file_info": {2438: 1},
                "test_security_info": {2578: 1, 2579: 1, 2637: 1},
                "subtest_empty_name_pipe_operations": {2691: 2, 2695: 2, 2704: 2, 2713: 2, 2722: 2},
                "test_empty_name": {2790: 1, 2811: 1, 2844: 1},
                "subtest_pipe_name": {2959: 2},
                "test_async_cancel_on_handle_close": {3101: 1},
            }),
    },
}
# kernel32's are the same in both, and come out the same.
BASELINES["10.0"]["kernel32"] = BASELINES["8.0"]["kernel32"]
