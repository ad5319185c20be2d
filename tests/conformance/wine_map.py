# SPDX-License-Identifier: LGPL-2.1-or-later
"""wine_map.py: which conformance cases cover what Wine's own pipe tests expect, and why the others cannot be covered.

The tests are dlls/ntdll/tests/pipe.c and dlls/kernel32/tests/pipe.c of Wine 8.0, as in Debian 12. An expectation is a call of ok()
there, by the line that it reports; functions that check something in the name of their caller count as the caller's line. Only
those count that a run on Wine reaches. section() makes a part of docs/CONFORMANCE.md of it; tests/wine checks it against a run.
"""
from collections import Counter
from dataclasses import dataclass

from conformance import numbered, registry
from conformance.table import REASONS, TABLE

VERSION = "8.0"
OBJECTS = "Wine's own objects"
COVERED = "covered"
TRANSPORT = "waiting for the Wine transport"
BEING_WRITTEN = "its test is being written"
SHARED = REASONS["shared"]
SESSIONS = "waiting: nothing tells the session of the server yet"


@dataclass(frozen=True)
class Group:
    """Expectations that belong together."""

    lines: str  # of the source, as ranges; there are more lines than expectations in them
    expectations: int
    what: str
    by: tuple = ()  # the cases that cover them: numbers of SEMANTICS section 10, identities of rules
    why: str = ""  # if there are none
    objects: str = ""  # lines of those that are about OBJECTS, whatever the cases cover


MAP = {
    "ntdll": {
        "test_create_invalid": [
            Group("261-277", 3, "dispositions that overwrite, and no sharing at all, are refused", by=(41, 42)),
            Group("282-287", 2, "a server without data rights may be created, and may not be asked for class 24", by=(43,)),
            Group("290-295", 1, "FILE_CREATE for a name that exists", by=(44,)),
        ],
        "test_create": [
            Group("317-329", 3, "a pipe for each way of sharing; LISTEN waits; the configuration that the server sees",
                  by=(48, 67)),
            Group("331-337", 2, "the configuration that the client sees", by=(48,)),
            Group("339-341", 1, "LISTEN of a client", by=(69,)),
            Group("349-353", 2, "which rights a client may ask for, by direction", by=(49, 50)),
        ],
        "test_overlapped": [
            Group("369-373", 2, "preparation: an event, a pipe", by=(67,), objects="370"),
            Group("375-390", 7, "LISTEN waits until a client opens; status block, event and APC then", by=(67,),
                  objects="378 384 386 390"),
            Group("395-400", 2, "a client connects before LISTEN", by=(66, 98)),
            Group("406-409", 3, "LISTEN of a connected instance; status block untouched, event reset", by=(68,),
                  objects="408-409"),
        ],
        "thread": [
            Group("429-441", 1, "the thread that queues a user APC and opens the pipe", objects="435"),
        ],
        "test_alertable": [
            Group("464-473", 3, "preparation: an event, a pipe with alertable I/O, a user APC", by=(74,), objects="465"),
            Group("475-481", 5, "LISTEN with a user APC queued before", by=(74,), objects="478-481"),
            Group("484-499", 6, "LISTEN during which a user APC comes", by=(74,), objects="485 492-495"),
            Group("501", 1, "the client of the other thread was let in", by=(67,)),
            Group("507-517", 5, "without an APC LISTEN waits for the client", by=(67,), objects="508 515"),
        ],
        "test_nonalertable": [
            Group("534-545", 4, "preparation: an event, a pipe with non-alertable I/O, a user APC", by=(75,),
                  objects="535 541"),
            Group("547-552", 4, "LISTEN waits for the client although a user APC is queued", by=(75, 67), objects="552"),
            Group("554-560", 4, "the APCs run only at an alertable wait", objects="554-555 559-560"),
        ],
        "test_cancelio": [
            Group("576-585", 3, "preparation: an event, a pipe with LISTEN pending", by=(73,), objects="577"),
            Group("587-597", 5, "NtCancelIoFile ends it: CANCELLED, event, APC", by=(73,), objects="591 593 597"),
            Group("603-608", 2, "another pipe with LISTEN pending", by=(73,)),
            Group("610-614", 3, "NtCancelIoFileEx ends it: CANCELLED, event", by=(73,), objects="614"),
        ],
        "synchronousio_thread": [
            Group("635-636", 1, "a LISTEN that another thread cancels ends with CANCELLED", by=(73,)),
        ],
        "test_cancelsynchronousio": [
            Group("650-665", 6, "cancelling the synchronous I/O of a thread: bad handles and pointers, nothing to cancel",
                  objects="652 654 656 659 663-664"),
            Group("668-669", 1, "preparation: a pipe with synchronous I/O", by=(73,)),
            Group("670-688", 7, "cancelling the LISTEN of another thread, whatever it is", objects="677 680-682 684 687-688"),
            Group("691-692", 1, "preparation: a pipe with synchronous I/O", by=(73,)),
            Group("694-722", 9, "cancelling the LISTEN of another thread by its status block",
                  objects="699 702 704 706 708 710 718 721-722"),
            Group("727-732", 3, "an asynchronous LISTEN waits", by=(67,), objects="730"),
            Group("733-744", 7, "it is none of the synchronous ones", objects="735-737 740-742 744"),
            Group("745-749", 2, "a client opens and ends it", by=(67,), objects="749"),
        ],
        "test_filepipeinfo": [
            Group("796-802", 2, "class 23 of a handle that is no file", by=(183,)),
            Group("805-810", 2, "a byte pipe whose server begins without waiting: (0, 1)",
                  by=("5.1-modes-through-the-life-of-an-end",)),
            Group("812-817", 3, "its client begins with (0, 0), the server keeps its modes",
                  by=("5.1-modes-through-the-life-of-an-end",)),
            Group("819-833", 6, "setting without the right is refused, with good and with bad values; nothing changes",
                  by=(178,)),
            Group("835-844", 3, "(1, 1) at the client of a byte pipe is refused; nothing changes", by=(179,)),
            Group("846-855", 3, "(0, 1) is taken, and is the client's only", by=(149,)),
            Group("857-868", 2, "values beyond 1", by=(180,)),
            Group("872-877", 2, "the server whose client has closed has its modes, and still lacks the right",
                  by=(178, "5.1-modes-through-the-life-of-an-end")),
            Group("882-894", 5, "a message pipe: server (1, 0), client (0, 0)", by=(181,)),
            Group("896-905", 3, "the client sets (1, 1); the server's stay", by=(181,)),
            Group("907-913", 3, "the server sets (0, 1); the client's stay", by=("5.1-modes-through-the-life-of-an-end",)),
            Group("915-926", 2, "values beyond 1", by=(180,)),
            Group("930-937", 3, "the server whose client has closed has its modes and can set them",
                  by=("5.1-modes-through-the-life-of-an-end",)),
            Group("941-951", 3, "a client with SYNCHRONIZE only, and that it was granted no more", by=(182, 61)),
            Group("953-965", 3, "it may not ask for classes 23 and 24, but for the name", by=(182,)),
        ],
        "apc": [
            Group("975", 1, "the third argument of an APC", objects="975"),
        ],
        "test_peek": [
            Group("985-997", 7, "peek of one byte, without and with an event", by=(166, 167), objects="997"),
        ],
        "create_pipe_pair": [
            Group("1008-1021", 3, "preparation: a connected pair of the given direction, type and read mode",
                  by=(48, 49, 50, 136)),
        ],
        "read_pipe_test": [
            Group("1053-1060", 7, "a read of an empty pipe waits; handle, event and status block then", by=(111,),
                  objects="1053 1056-1060"),
            Group("1061-1073", 8, "one byte completes it; status block, event, APC", by=(111,), objects="1066-1068 1071 1073"),
            Group("1079-1097", 13, "the same without an event: the file handle is signalled", by=(111,),
                  objects="1079 1082-1085 1091-1092 1095 1097"),
            Group("1104-1118", 8, "a read with data there: peek shows it, the read is over at once", by=(111, 113),
                  objects="1113-1114 1116 1118"),
            Group("1125-1126", 1, "two bytes are written", by=(114,)),
            Group("1128-1143", 5, "peek of one of two bytes", by=(167,)),
            Group("1145-1162", 9, "a read of one of two bytes", by=(114,), objects="1157-1158 1160 1162"),
            Group("1164-1173", 7, "a read of the rest", by=(114,), objects="1168-1169 1171 1173"),
            Group("1179-1195", 12, "a read of two waits and is content with one", by=(113,),
                  objects="1179 1182-1185 1190 1193 1195"),
            Group("1202-1209", 6, "a read when the other end has closed and nothing is left; status block and event then",
                  by=(84,), objects="1204-1207 1209"),
            Group("1216-1222", 5, "a read with a bad event handle", by=(140,), objects="1218-1220 1222"),
            Group("1229-1237", 6, "a read of a closed handle", objects="1231-1235 1237"),
            Group("1240-1257", 10, "the other end closes while a read waits", by=(83,), objects="1246-1249 1254-1255 1257"),
            Group("1260-1272", 6, "a read through a duplicated handle waits", by=(111,), objects="1269-1272"),
            Group("1273-1282", 6, "it is cancelled through the other handle", by=(222, 130), objects="1279-1280 1282"),
            Group("1287-1292", 5, "another read waits", by=(111,), objects="1289-1292"),
            Group("1293-1308", 9, "closing one of two handles does not end the read; cancelling through the other does",
                  by=(94,), objects="1296-1297 1305-1306 1308"),
            Group("1315-1325", 5, "a read waits", by=(111,), objects="1322-1325"),
            Group("1326-1334", 6, "NtCancelIoFileEx ends it", by=(130,), objects="1331-1332 1334"),
            Group("1340-1351", 10, "two reads with one status block wait", by=(111,), objects="1342-1345 1348-1351"),
            Group("1352-1360", 6, "both are cancelled by that status block", by=(139,), objects="1357-1358 1360"),
        ],
        "test_transceive": [
            Group("1384-1394", 6, "a transceive waits for the answer; event", by=(154,), objects="1387 1394"),
        ],
        "test_completion": [
            Group("1448-1465", 3, "preparation: flags and completion port of a handle", objects="1450 1462 1465"),
            Group("1467-1470", 3, "a write that is over at once queues a packet", by=(115,), objects="1470"),
            Group("1472-1475", 2, "a peek of an empty pipe queues a packet of 16 bytes", by=(166,), objects="1475"),
            Group("1477-1484", 4, "with the flag against packets for success a write queues none", by=(188,), objects="1484"),
            Group("1486-1497", 6, "a read of one byte of a message: BUFFER_OVERFLOW", by=(114, 117), objects="1497"),
            Group("1499-1503", 4, "the rest of the message", by=(114, 117), objects="1503"),
            Group("1505-1511", 2, "peek of an empty pipe", by=(166,), objects="1511"),
            Group("1513-1521", 5, "a read waits; a write completes it", by=(111,), objects="1516-1517 1521"),
            Group("1523-1532", 3, "peek of a part of a message: BUFFER_OVERFLOW", by=(168,), objects="1532"),
            Group("1543-1555", 7, "a read that waits, without event: the handle is signalled", by=(111,),
                  objects="1543 1549 1553"),
            Group("1557-1569", 8, "with an event: only that is signalled", by=(111,), objects="1561-1562 1566-1567"),
            Group("1571-1586", 8, "with an APC: handle and APC", by=(111,), objects="1576 1580 1584 1586"),
            Group("1588-1599", 5, "with a port that is none", by=(111,), objects="1592 1596 1599"),
            Group("1601-1614", 6, "with the flag against packets: the handle is signalled by a write", by=(188,),
                  objects="1605 1610 1614"),
            Group("1616-1625", 5, "with the flag against signals: never", by=(189,), objects="1620 1624-1625"),
            Group("1627-1638", 6, "also not by later reads and writes", by=(189,), objects="1630 1634 1638"),
        ],
        "blocking_thread": [
            Group("1667-1671", 1, "the thread that is told what to do", objects="1670"),
            Group("1674-1683", 6, "it writes a byte while a read waits; handles and events meanwhile", by=(111,),
                  objects="1676-1679 1682"),
            Group("1684-1693", 5, "it reads a byte while a flush waits; handles and events meanwhile", by=(151,),
                  objects="1688-1690 1693"),
        ],
        "test_blocking": [
            Group("1718-1740", 5, "preparation: thread, events, a pipe and its client with synchronous I/O", by=(111,),
                  objects="1721 1739-1740"),
            Group("1743-1755", 5, "a read blocks until a byte comes; handles", by=(111,), objects="1752 1755"),
            Group("1757-1779", 8, "the same with event and APC; handle and event are both signalled", by=(111, 190),
                  objects="1768 1770 1773 1775 1778"),
            Group("1783-1798", 6, "a flush blocks until the byte was read", by=(151,), objects="1795 1798"),
            Group("1804-1812", 3, "preparation: the same with overlapped handles", by=(151,), objects="1807 1812"),
            Group("1814-1833", 5, "also there a flush blocks", by=(151,), objects="1825 1833"),
        ],
        "test_volume_info": [
            Group("1853-1871", 10, "FileFsDeviceInformation of both ends", by=(37,)),
        ],
        "_test_file_name": [
            Group("1906-1912", 2, "the name, at both ends", by=(34,)),
            Group("1914-1922", 5, "a buffer for a part of it", by=(35,)),
            Group("1924-1928", 1, "a buffer of 4", by=(35, "5.2-no-room-for-a-name")),
        ],
        "create_pipe_server": [
            Group("1936-1937", 1, "preparation: a server", by=(65,)),
        ],
        "connect_pipe": [
            Group("1945-1947", 1, "preparation: a client", by=(66,)),
        ],
        "connect_and_write_pipe": [
            Group("1959-1964", 2, "preparation: a client, and ten bytes unread each way", by=(88,)),
        ],
        "test_pipe_state": [
            Group("1977-2000", 2, "peek in every state of both ends, nothing to read",
                  by=(65, 77, 78, 166, 172, "3.9-table-of-a-server", "3.9-table-of-a-client")),
            Group("2002-2013", 1, "transceive in every state but connected",
                  by=(65, 77, 78, 164, "3.9-table-of-a-server", "3.9-table-of-a-client")),
            Group("2016-2027", 4, "flush in every state",
                  by=(65, 77, 78, 150, "3.9-table-of-a-server", "3.9-table-of-a-client")),
            Group("2030-2047", 1, "a read in every state but connected",
                  by=(65, 77, 78, 84, "3.9-table-of-a-server", "3.9-table-of-a-client")),
            Group("2049-2054", 1, "LISTEN of a server, closing or connected", by=(66, 71)),
        ],
        "test_pipe_with_data_state": [
            Group("2068-2086", 5, "class 24 with data unread: state, ReadDataAvailable",
                  by=(88, 90, "3.9-queries-in-every-state")),
            Group("2089-2097", 2, "class 23 in every state", by=(78, "3.9-queries-in-every-state")),
            Group("2099-2106", 2, "the name in every state, also of a client whose server has closed",
                  by=(78, 89, "3.9-queries-in-every-state")),
            Group("2110-2129", 2, "peek of a part of the data in every state",
                  by=(88, 172, "3.9-table-of-a-server", "3.9-table-of-a-client")),
            Group("2146-2148", 1, "a write in every state",
                  by=(65, 77, 78, 88, "3.9-table-of-a-server", "3.9-table-of-a-client")),
            Group("2150-2154", 1, "a read of a part of the data in every state",
                  by=(88, 90, "3.9-table-of-a-server", "3.9-table-of-a-client")),
        ],
        "pipe_for_each_state": [
            Group("2169-2173", 1, "LISTEN waits", by=(67,)),
            Group("2185-2191", 2, "LISTEN waits; the server disconnects its client", by=(67, 77)),
            Group("2198-2210", 3, "the client closes, the server disconnects and listens again", by=(80,)),
        ],
        "create_local_info_test_pipe": [
            Group("2240-2243", 1, "preparation: an outbound message pipe, max 1, quotas 100 and 200", by=(174,)),
        ],
        "connect_pipe_reader": [
            Group("2252-2254", 1, "preparation: its reader", by=(49,)),
        ],
        "test_pipe_local_info": [
            Group("2272-2280", 2, "class 24 can be asked for in every state, but not by a detached client",
                  by=(78, "3.9-queries-in-every-state")),
            Group("2283-2296", 8, "its numbers in every state", by=(174, 177, "5.1-numbers-in-every-state")),
            Group("2297-2299", 1, "WriteQuotaAvailable in every state", by=(175, "5.1-numbers-in-every-state")),
            Group("2300-2302", 2, "state and end", by=(176, "5.1-numbers-in-every-state")),
            Group("2316-2322", 2, "an incompatible instance is refused, unless only a client is left",
                  by=(46, 47, "5.1-numbers-in-every-state")),
            Group("2326-2337", 3, "CurrentInstances afterwards", by=(47, 177, "5.1-numbers-in-every-state")),
            Group("2341-2354", 4, "class 23 in every state",
                  by=(78, "3.9-queries-in-every-state", "5.1-numbers-in-every-state")),
            Group("2357-2368", 2, "setting class 23 in every state",
                  by=(78, "3.9-table-of-a-server", "3.9-table-of-a-client")),
        ],
        "test_file_info": [
            Group("2378-2379", 2, "the name at both ends, when it succeeds", by=(34,)),
            Group("2381-2382", 1, "the name at a detached client, with and without room", by=(78, "5.2-no-room-for-a-name")),
            Group("2387-2390", 2, "the name of the volume handle", by=(36,)),
        ],
        "get_security_descriptor": [
            Group("2401-2412", 3, "a descriptor can be asked for in two steps: its length, itself", by=(195, 196)),
        ],
        "get_current_owner": [
            Group("2424-2434", 4, "preparation: the owner of the process", objects="2425 2428 2430 2434"),
        ],
        "get_current_group": [
            Group("2447-2457", 4, "preparation: the group of the process", objects="2448 2451 2453 2457"),
        ],
        "well_known_sid": [
            Group("2470-2471", 1, "preparation: a SID", objects="2471"),
        ],
        "test_security_info": [
            Group("2514-2521", 3, "preparation: a descriptor", objects="2515 2518 2521"),
            Group("2523-2528", 2, "a server and a client with all rights", by=(64,)),
            Group("2530-2531", 2, "the descriptor that a pipe gets of its creator", by=(195,)),
            Group("2534-2540", 4, "a group that was set through the server is seen at both ends", by=(195,), objects="2535"),
            Group("2543-2546", 2, "and at a new instance", by=(195,)),
            Group("2549-2556", 5, "a group set once more is seen at all ends", by=(195,), objects="2550"),
            Group("2558-2560", 1, "also when the server has closed", by=(196,)),
            Group("2563-2567", 2, "and by a new client", by=(195, 196)),
            Group("2569-2578", 4, "after DISCONNECT the server can ask, the client can neither ask nor set", by=(196,)),
            Group("2581-2590", 2, "a later instance with a descriptor and WRITE_OWNER", by=(197,), objects="2585"),
            Group("2596-2599", 2, "a new pipe has the descriptor that was given", by=(195,)),
        ],
        "subtest_empty_name_pipe_operations": [
            Group("2636-2639", 1, "preparation: an event", objects="2639"),
            Group("2641-2647", 2, "read and write of a container", by=(29,)),
            Group("2649-2674", 3, "peek and connection attributes of a container", by=(30,)),
            Group("2676-2689", 1, "the other control codes at a container", by=(31, 32)),
        ],
        "test_empty_name": [
            Group("2720-2726", 1, "the volume can be opened", by=(13,)),
            Group("2728-2730", 1, "FSCTL_PIPE_WAIT at the volume", by=(33,)),
            Group("2734-2743", 1, "creating with the volume as root and no name", by=(19,)),
            Group("2747-2753", 1, "creating with the volume as root and a name", by=(20,)),
            Group("2759-2764", 1, "creating a directory object of that name", by=(28,)),
            Group("2766-2768", 1, "the root directory can be opened", by=(13,)),
            Group("2770-2772", 1, "FSCTL_PIPE_WAIT at the root directory", by=(33,)),
            Group("2776-2785", 1, "an unnamed pipe", by=(22,)),
            Group("2786-2792", 3, "its type and its name as an object", by=(27,)),
            Group("2794-2797", 1, "FILE_OPEN of no name", by=(23,)),
            Group("2799-2802", 1, "a second unnamed pipe", by=(22,)),
            Group("2804-2816", 2, "opening relative to an unnamed server: a name, no name", by=(24,)),
            Group("2818-2824", 3, "type and name of the client as an object", by=(27,)),
            Group("2826-2835", 2, "a second client of an unnamed server", by=(25,)),
            Group("2837-2862", 11, "two unnamed pipes and their data", by=(26,)),
            Group("2869-2879", 2, "creating with the root directory as root", by=(21,)),
        ],
        "subtest_pipe_name": [
            Group("2902-2920", 3, "creating by names that look odd", by=(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
            Group("2922-2926", 2, "opening by the same name", by=(3, 4, 5, 6, 7, 8, 9, 10)),
            Group("2929-2942", 2, "opening by a name that only looks alike", by=(4, 5, 7, 8)),
        ],
    },
    "kernel32": {
        "RpcReadFile": [
            Group("110-113", 2, "the thread that reads for another one", objects="111 113"),
        ],
        "test_CreateNamedPipe": [
            Group("181-184", 2, "waiting for a name that is not there", by=(101,)),
            Group("187-194", 1, "a name that is none of a pipe", by=(16,)),
            Group("199-206", 1, "message read mode on a byte pipe", by=(55,)),
            Group("209-213", 1, "no name at all", by=(16,)),
            Group("215-218", 1, "opening a name that is not there", by=(4, 12)),
            Group("222-229", 2, "a pipe is created; its handle is signalled", by=(60, 62), objects="229"),
            Group("231-233", 1, "the rights that its creator has", by=(61,)),
            Group("235-237", 1, "peek before a client is there", by=(65, 172)),
            Group("239-240", 1, "waiting for an instance that is there", by=(102,)),
            Group("242-243", 1, "a client opens without LISTEN", by=(66,)),
            Group("245-247", 2, "waiting while all instances are busy", by=(103,)),
            Group("250-253", 4, "LISTEN at both ends of a connected pipe", by=(66, 69)),
            Group("261-272", 10, "a write and a read each way", by=(111, 115)),
            Group("276-286", 9, "the same with a peek before, server to client", by=(169, 115)),
            Group("289-305", 13, "and client to server", by=(169, 115)),
            Group("309-322", 12, "a read of a part, server to client, byte read mode; peek before", by=(114, 169)),
            Group("325-345", 14, "a read of a part, client to server; peek before", by=(114, 169)),
            Group("349-370", 14, "three reads for one write", by=(117,)),
            Group("374-397", 16, "peek of a part and of all of two writes, client in byte read mode", by=(169, 170)),
            Group("398-407", 5, "both are read at once", by=(116, 115)),
            Group("411-437", 17, "peek of a part and of all of two writes at the server", by=(169, 170)),
            Group("439-450", 5, "and the read", by=(115,)),
            Group("455-461", 2, "the client's read mode is changed", by=(136,)),
            Group("464-473", 9, "peek of two messages, one counts", by=(170,)),
            Group("474-479", 4, "each is read by itself", by=(115,)),
            Group("483-490", 6, "the message that was left from before is still there", by=(115, 170)),
            Group("493-508", 12, "the same, client to server", by=(115, 170)),
            Group("512-520", 8, "a read of a part, server to client, message read mode", by=(114, 117)),
            Group("523-531", 8, "and client to server", by=(114, 117)),
            Group("538-570", 22, "the rest of a message is for whoever reads next, also another thread, server to client",
                  by=(117, 118)),
            Group("575-607", 22, "and client to server", by=(117, 118)),
            Group("619-650", 9, "no second client, until the server has disconnected the first and listens", by=(76,),
                  objects="625 650"),
            Group("652-672", 8, "the rights by direction, of the creator and of a client that asks for none", by=(61, 62),
                  objects="655 665"),
            Group("677-681", 2, "a name of odd characters", by=(17,)),
            Group("685-692", 4, "a name with a backslash at its end", by=(18,)),
        ],
        "test_CreateNamedPipe_instances_must_match": [
            Group("704-721", 4, "two like instances", by=(51,), objects="720-721"),
            Group("724-741", 3, "one too many", by=(52,), objects="741"),
            Group("744-761", 3, "another direction", by=(53,), objects="761"),
            Group("764-781", 4, "everything else may differ", by=(54,), objects="780-781"),
        ],
        "test_ReadFile": [
            Group("793-802", 3, "preparation: a message in a pipe", by=(115,)),
            Group("804-806", 2, "a read of a part: its count is told", by=(114, 117)),
            Group("808-814", 4, "the same with an OVERLAPPED: the count is told there only", by=(114, 117), objects="812"),
            Group("816-832", 8, "read and write after DISCONNECT; nothing is told in the OVERLAPPED", by=(77,),
                  objects="822-824 830-832"),
        ],
        "serverThreadMain1": [
            Group("860-893", 6, "an echo server: LISTEN, read, write", by=("2.5-clients-one-after-the-other",)),
            Group("895-898", 2, "flush and DISCONNECT, for the next client", by=("2.5-clients-one-after-the-other",)),
        ],
        "serverThreadMain2": [
            Group("912-954", 6, "an echo server: LISTEN, read, write; user APCs do not disturb it",
                  by=("2.6-an-instance-for-each-client",)),
            Group("956-960", 3, "flush and DISCONNECT", by=("2.6-an-instance-for-each-client",), objects="960"),
            Group("965-977", 2, "a new instance for the next client", by=("2.6-an-instance-for-each-client",), objects="977"),
        ],
        "serverThreadMain3": [
            Group("991-1004", 2, "an echo server with overlapped calls: preparation", by=("2.5-clients-one-after-the-other",),
                  objects="1004"),
            Group("1006-1049", 5, "LISTEN, and the ways to wait for its end", by=(67, 68)),
            Group("1053-1077", 3, "the read, and the ways to wait for its end", by=(111,)),
            Group("1079-1102", 3, "the write, and the ways to wait for its end", by=(111,)),
            Group("1105-1106", 2, "flush and DISCONNECT", by=("2.5-clients-one-after-the-other",)),
        ],
        "serverThreadMain4": [
            Group("1120-1130", 2, "an echo server with a completion port: preparation",
                  by=("2.5-clients-one-after-the-other",), objects="1130"),
            Group("1132-1168", 5, "LISTEN, and its packet", by=(67, 68), objects="1160 1167-1168"),
            Group("1173-1187", 4, "the read, and its packet", by=(111,), objects="1186-1187"),
            Group("1189-1205", 5, "the write, and its packet", by=(111,), objects="1201-1202"),
            Group("1209-1227", 2, "a write when the client has closed; no packet", by=(85,), objects="1225"),
            Group("1229-1244", 2, "a read when the client has closed; no packet", by=(84,), objects="1242"),
            Group("1246-1255", 4, "flush, DISCONNECT, close", by=("3.9-table-of-a-server", 80), objects="1253 1255"),
        ],
        "serverThreadMain5": [
            Group("1282-1295", 2, "an echo server with completion routines: preparation",
                  by=("2.5-clients-one-after-the-other",), objects="1295"),
            Group("1307-1311", 1, "LISTEN", by=(67, 68)),
            Group("1314-1335", 7, "the read and its completion routine", by=(111,), objects="1323 1332-1333 1335"),
            Group("1337-1358", 7, "the write and its completion routine", by=(111,), objects="1345 1355-1356 1358"),
            Group("1360-1364", 2, "flush and DISCONNECT", by=("2.5-clients-one-after-the-other",)),
        ],
        "exerciseServer": [
            Group("1378-1396", 2, "the client opens, once an instance is there", by=(66, 76)),
            Group("1399-1406", 5, "its write and the echo",
                  by=("2.5-clients-one-after-the-other", "2.6-an-instance-for-each-client")),
            Group("1408-1413", 2, "it closes; the server's thread ends", objects="1409 1412"),
        ],
        "test_NamedPipe_2": [
            Group("1424-1468", 7, "the threads of the servers", objects="1429 1439 1445 1451 1457 1463 1466"),
        ],
        "test_DisconnectNamedPipe": [
            Group("1482-1498", 2, "read and write before a client is there", by=(65,)),
            Group("1500-1511", 3, "the client writes", by=(79,)),
            Group("1512-1516", 3, "DISCONNECT; writes of both ends", by=(77, 78, 79)),
            Group("1517-1522", 2, "reads of both ends: what was written is lost", by=(78, 79)),
            Group("1524-1525", 1, "a second DISCONNECT", by=(79,)),
            Group("1526-1527", 1, "the client's handle is not signalled", objects="1527"),
            Group("1529-1538", 4, "peek of both ends", by=(77, 78), objects="1535 1538"),
        ],
        "test_CreatePipe": [
            Group("1553", 1, "a user APC is queued", objects="1553"),
            Group("1555-1565", 5, "CreatePipe: flags, quotas, rights of both ends", by=(194,)),
            Group("1567-1572", 6, "a write and a read", by=(91,), objects="1571-1572"),
            Group("1575-1584", 8, "the writer closes before the read", by=(91,), objects="1579 1584"),
            Group("1587-1601", 9, "the same with 32768 bytes", by=(91,), objects="1594 1601"),
            Group("1604", 1, "the user APC did not run", objects="1604"),
            Group("1607-1611", 5, "CreatePipe with a quota of 1", by=(194,), objects="1610-1611"),
        ],
        "test_CloseHandle": [
            Group("1622-1638", 6, "preparation: the server writes a message; peek shows it", by=(85, 169)),
            Group("1640-1652", 5, "the server closes; a read of 0 takes nothing", by=(85,), objects="1641"),
            Group("1656-1658", 2, "the message is read", by=(85,)),
            Group("1660-1664", 2, "the modes can be asked for and set", by=(85, "3.9-drained-closing-end")),
            Group("1666-1680", 6, "a read of 0, peek and write when nothing is left", by=(85, "3.9-drained-closing-end"),
                  objects="1675"),
            Group("1684-1695", 4, "preparation: the server writes an empty message", by=(87,)),
            Group("1698-1709", 5, "the server closes; the empty message is read, then a read of 0 fails",
                  by=(87, "3.9-drained-closing-end"), objects="1698"),
            Group("1711-1725", 6, "the modes can be set; then read and write fail", by=("3.9-drained-closing-end",)),
            Group("1731-1747", 6, "preparation: the client writes a message; peek shows it", by=(86, 169)),
            Group("1750-1762", 5, "the client closes; a read of 0 in message mode takes nothing", by=(86,), objects="1750"),
            Group("1766-1768", 2, "the message is read", by=(86,)),
            Group("1770-1774", 2, "the modes can be asked for and set", by=("3.9-drained-closing-end",)),
            Group("1776-1790", 6, "a read of 0, peek and write when nothing is left", by=("3.9-drained-closing-end",),
                  objects="1785"),
            Group("1794-1805", 4, "preparation: the client writes an empty message", by=(87,)),
            Group("1808-1819", 5, "the client closes; the empty message is read, then a read of 0 fails",
                  by=(87, "3.9-drained-closing-end"), objects="1808"),
            Group("1821-1835", 6, "the modes can be set; then read and write fail", by=("3.9-drained-closing-end",)),
        ],
        "named_pipe_client_func": [
            Group("1859-1889", 6, "the client's token or privileges before the first write",
                  objects="1866 1869 1877 1880 1883 1886"),
            Group("1891-1898", 3, "it opens with a quality of service, writes, and hears from the server", by=(198,)),
            Group("1900-1922", 4, "its token or privileges before the second write", objects="1905 1910 1918 1921"),
            Group("1928-1932", 2, "it writes again, and hears from the server", by=(198,)),
        ],
        "make_impersonation_token": [
            Group("1945-1951", 2, "preparation: a token", objects="1946 1949"),
        ],
        "test_ImpersonateNamedPipeClient": [
            Group("1972-1979", 2, "preparation: a server, a client's thread", by=(198,), objects="1979"),
            Group("1981-1985", 1, "impersonation before anything was read", by=(198,)),
            Group("1987-1991", 2, "LISTEN and the first read", by=(68, 111)),
            Group("1993-2005", 4, "impersonation, and the level of the token", by=(198,)),
            Group("2010-2014", 2, "the second message", by=(198,)),
            Group("2016-2020", 2, "impersonation again", by=(198,)),
            Group("2028-2034", 2, "impersonation when the client has closed", by=(198,)),
        ],
        "get_privilege_count": [
            Group("2084-2085", 1, "preparation: counting privileges", objects="2085"),
        ],
        "test_no_sqos_no_token": [
            Group("2097-2105", 3, "no quality of service, no token: only effective privileges", by=(199,)),
        ],
        "test_no_sqos": [
            Group("2116-2121", 2, "no quality of service, a token: tracked", by=(201,)),
        ],
        "test_static_context": [
            Group("2132-2136", 2, "static: the token of the open", by=(200,)),
        ],
        "test_dynamic_context": [
            Group("2147-2152", 2, "dynamic: the token of the write last read", by=(201,)),
        ],
        "test_dynamic_context_no_token": [
            Group("2163-2167", 2, "the same with the token of the process", by=(201,)),
        ],
        "test_no_sqos_revert": [
            Group("2179-2187", 3, "no quality of service, the client reverts", by=(199,)),
        ],
        "test_static_context_revert": [
            Group("2198-2204", 2, "static, the client reverts", by=(200,)),
        ],
        "test_dynamic_context_revert": [
            Group("2215-2220", 2, "dynamic, the client reverts", by=(201,)),
        ],
        "overlapped_server": [
            Group("2300-2308", 4, "quotas 0; LISTEN waits", by=(67, 137), objects="2304"),
            Group("2311-2315", 2, "its end", by=(67,), objects="2312"),
            Group("2317-2319", 1, "a read of a non-overlapped call blocks until data come", by=(111,)),
            Group("2321-2326", 2, "after DISCONNECT LISTEN waits again", by=(80,)),
            Group("2327-2334", 3, "it is cancelled", by=(73,), objects="2329"),
        ],
        "test_overlapped": [
            Group("2352-2359", 2, "the client opens and writes", by=(67, 111)),
        ],
        "test_overlapped_error": [
            Group("2374-2387", 4, "LISTEN waits", by=(67,), objects="2375"),
            Group("2389-2397", 4, "a client opens and ends it", by=(67,)),
            Group("2402-2417", 5, "LISTEN when the client is there already; nothing is told in the OVERLAPPED", by=(68,),
                  objects="2417"),
        ],
        "test_NamedPipeHandleState": [
            Group("2432-2448", 5, "a byte pipe: modes and instances of the server", by=(174, 181)),
            Group("2453-2458", 1, "what only a remote pipe has", by=(184,)),
            Group("2459-2464", 1, "message read mode at its server", by=(136,)),
            Group("2466-2478", 3, "byte read mode at its client; message read mode once more", by=(136,)),
            Group("2483-2499", 5, "a message pipe: modes and instances of the server", by=(174, 181)),
            Group("2501-2519", 4, "its read modes can be changed at both ends", by=(136,)),
        ],
        "test_GetNamedPipeInfo": [
            Group("2529-2577", 8, "type, end, quotas and maximum of four pipes", by=(60,)),
        ],
        "test_readfileex_pending": [
            Group("2593-2611", 4, "preparation: LISTEN waits", by=(67,), objects="2603"),
            Group("2613-2621", 3, "a client ends it", by=(67,), objects="2614 2621"),
            Group("2623-2643", 11, "a read with a completion routine waits; a write completes it", by=(111,),
                  objects="2628 2634 2637 2639-2640 2642"),
            Group("2645-2672", 9, "writes until one waits", by=(120, 121), objects="2654 2662 2665-2666 2670-2672"),
            Group("2674-2690", 6, "reads until it is over", by=(122, 126), objects="2680 2683 2688-2690"),
            Group("2693-2697", 3, "a read of a handle that is none", by=(135,)),
            Group("2699-2714", 6, "a read of 0 waits", by=(134,), objects="2710-2711 2714"),
            Group("2716-2726", 6, "a byte completes it", by=(134,), objects="2722"),
            Group("2728-2732", 2, "and is still there", by=(134,)),
        ],
        "flush_proc": [
            Group("2871-2880", 3, "how a flush in a thread of its own ends", by=(81, 82, 151, 152)),
        ],
        "test_blocking_rw": [
            Group("2961", 1, "a read waits", by=(119,)),
            Group("2962", 1, "flush with nothing written", by=(150, "3.6-flush-behind-pending-writes")),
            Group("2963", 1, "peek of nothing", by=(166,)),
            Group("2965-2968", 3, "a write beyond it: the read is over, the rest is there", by=(119,)),
            Group("2970-2972", 2, "a write as large as the quota waits", by=(120,)),
            Group("2974-2979", 4, "a write of one byte behind it, and a flush behind both",
                  by=(121, "3.6-flush-behind-pending-writes")),
            Group("2981-2986", 4, "an empty write does not wait", by=(121,)),
            Group("2988-2993", 5, "the first data is read: the first write is over, not the second, nor the flush",
                  by=(122, "3.6-flush-behind-pending-writes")),
            Group("2995-2998", 3, "one byte more: the second write is over", by=(123,)),
            Group("3000-3007", 4, "the rest is read", by=(124,)),
            Group("3010-3014", 2, "the empty message", by=(124,)),
            Group("3016", 1, "the flush is over", by=(151, "3.6-flush-behind-pending-writes")),
            Group("3018-3020", 2, "reads of 0 and of 1000 wait", by=(125,)),
            Group("3022-3026", 4, "one byte is for both", by=(125,)),
            Group("3028-3030", 2, "a write beyond the quota waits, peek shows all of it",
                  by=(126, "3.8-peek-of-a-pending-write")),
            Group("3032-3035", 3, "it waits while more than the quota is left", by=(126, "3.8-peek-of-a-pending-write")),
            Group("3037-3040", 3, "it is over when the quota is left", by=(126, "3.8-peek-of-a-pending-write")),
            Group("3042-3044", 2, "the rest is read", by=(126,)),
            Group("3046-3050", 3, "an empty message goes through", by=(127,)),
            Group("3052-3055", 3, "flush of nothing; reads of 0 and of 1 wait", by=(128, 150)),
            Group("3057-3065", 6, "an empty write is for the first, on message pipes; one byte for the second", by=(128,)),
            Group("3067-3075", 9, "peek and reads of two writes", by=(129,)),
            Group("3082-3088", 6, "the second of two reads is cancelled; the first gets the byte", by=(130,)),
            Group("3090-3099", 5, "the same read is cancelled twice", by=(131,)),
            Group("3101-3110", 8, "the first of two writes is cancelled", by=(132,)),
            Group("3112-3123", 10, "the same when a part of it was read", by=(133,)),
            Group("3125-3131", 6, "a flush when the write that it waits for is cancelled", by=(152,)),
        ],
        "child_process_write_pipe": [
            Group("3178", 1, "the child's write waits", by=(95,)),
        ],
        "create_writepipe_process": [
            Group("3191-3194", 1, "preparation: the child", objects="3194"),
        ],
        "create_overlapped_pipe": [
            Group("3207-3217", 5, "preparation: LISTEN waits", by=(67,), objects="3210 3216"),
            Group("3219-3227", 5, "a client opens, sets its read mode, and ends it", by=(67, 136), objects="3225-3226"),
        ],
        "test_overlapped_transport": [
            Group("3255-3262", 4, "the client closes: write and flush of the server break", by=(81,)),
            Group("3265-3271", 4, "the server closes: write and flush of the client break", by=(81,)),
            Group("3274-3283", 7, "the server disconnects: writes of both and a flush of the client end", by=(82,)),
            Group("3287-3296", 3, "a part of the write of a child is read", by=(95,)),
            Group("3297-3302", 4, "the child dies: its write goes with it, and its parent goes on with the same end",
                  why=SHARED),
        ],
        "test_transact": [
            Group("3315-3321", 6, "request and answer", by=(154, 155)),
            Group("3323-3326", 3, "with unread data at the caller", by=(156,)),
            Group("3328-3336", 8, "behind a write that waits", by=(157,)),
            Group("3338-3345", 7, "into a read that waits; an answer that is too long", by=(158, 159)),
            Group("3347-3351", 4, "an empty answer into no buffer", by=(160,)),
            Group("3353-3357", 5, "nothing both ways", by=(160, "3.7-transceive-of-nothing")),
            Group("3359-3365", 6, "a transceive answers a transceive", by=(161,)),
            Group("3369-3376", 7, "cancelled behind a write that waits: both are still read",
                  by=(162, "3.7-cancel-of-transceive-behind-a-pending-write")),
        ],
        "test_TransactNamedPipe": [
            Group("3384-3390", 2, "not in byte read mode", by=(163,)),
        ],
        "create_overlapped_server": [
            Group("3412-3416", 2, "preparation: LISTEN waits", by=(67,)),
        ],
        "child_process_check_pid": [
            Group("3427-3438", 5, "a client in another process: both numbers", by=(191,)),
        ],
        "create_check_id_process": [
            Group("3449-3452", 1, "preparation: the child", objects="3452"),
        ],
        "test_namedpipe_process_id": [
            Group("3473-3476", 2, "no room for the answer", by=(193,)),
            Group("3478-3486", 4, "the client's process, from both ends", by=(191,)),
            Group("3488-3491", 2, "no room for the answer", by=(193,)),
            Group("3493-3501", 4, "the server's process, from both ends", by=(191,)),
            Group("3503-3513", 4, "both, when the client has closed", by=(191,)),
            Group("3520-3538", 8, "both, after DISCONNECT, from both ends", by=(192,)),
            Group("3546-3554", 4, "both, when the server has closed", by=(191,)),
            Group("3557-3565", 2, "preparation: a pipe for another process", by=(67,)),
        ],
        "child_process_check_session_id": [
            Group("3578-3586", 3, "a client in another process: its session", by=("4.2-session-of-the-client",)),
            Group("3588-3591", 2, "and the session of its server", why=SESSIONS),
        ],
        "test_namedpipe_session_id": [
            Group("3620-3628", 4, "the client's session, from both ends", by=("4.2-session-of-the-client",)),
            Group("3630-3633", 2, "no room for the answer", by=(193,)),
            Group("3635-3643", 4, "the server's session, from both ends", why=SESSIONS),
            Group("3645-3651", 2, "the client's session, when it has closed", by=("4.2-session-of-the-client",)),
            Group("3653-3656", 2, "the server's session, when the client has closed", why=SESSIONS),
            Group("3663-3666", 2, "the client's session after DISCONNECT, at the server",
                  by=(192, "4.2-session-of-the-client")),
            Group("3668-3671", 2, "the server's session after DISCONNECT, at the server", why=SESSIONS),
            Group("3673-3681", 4, "both at the client", by=(192,)),
            Group("3689-3692", 2, "the client's session, when the server has closed", by=("4.2-session-of-the-client",)),
            Group("3694-3697", 2, "the server's session, when it has closed", why=SESSIONS),
            Group("3700-3707", 2, "preparation: a pipe for another process", by=(67,)),
        ],
        "test_multiple_instances": [
            Group("3727-3750", 6, "four instances; the first client goes to the first, LISTEN or not", by=(96,)),
            Group("3752-3766", 5, "the second to the second", by=(96,)),
            Group("3769-3778", 3, "the third to the third", by=(96,)),
            Group("3781-3796", 4, "two are disconnected and listen in the other order", by=(97,)),
            Group("3798-3808", 3, "the next client goes to the fourth, which has listened longest", by=(97,)),
            Group("3810-3825", 5, "then to the one that has listened first", by=(97,)),
            Group("3827-3836", 3, "then to the other", by=(97,)),
            Group("3839-3842", 1, "then all are busy", by=(97,)),
        ],
        "wait_pipe_proc": [
            Group("3854-3855", 1, "a wait in a thread of its own succeeds", by=(104, 105)),
        ],
        "async_wait_pipe": [
            Group("3864-3868", 2, "it waits, and a wait of 1 ms ends in vain", by=(103, 104), objects="3865"),
        ],
        "test_wait_pipe": [
            Group("3880-3881", 1, "a name that is not there", by=(101,)),
            Group("3883-3889", 2, "an instance that listens", by=(102,)),
            Group("3891-3902", 3, "all are busy; a new instance ends the wait", by=(104,)),
            Group("3908-3909", 1, "DISCONNECT", by=(105,)),
            Group("3911-3920", 3, "LISTEN ends the wait", by=(105,)),
            Group("3922-3924", 1, "closing ends the LISTEN", by=(110,)),
        ],
        "test_nowait": [
            Group("3937-3953", 4, "a read of an empty pipe", by=(141,)),
            Group("3955-3961", 6, "a read with data there", by=("3.4-complete-mode-reads-what-is-there",),
                  objects="3959-3961"),
            Group("3965-3976", 2, "preparation: a server that does not wait, and its client", by=(142,)),
            Group("3980-3989", 3, "a write that does not fit", by=(142,)),
            Group("3991-4000", 6, "a small write for a read that waits", by=(143,)),
            Group("4002-4011", 6, "a write beyond the quota for a read that waits", by=(144,)),
            Group("4013-4028", 8, "the rest of a write fits the quota", by=(145,)),
            Group("4030-4044", 7, "the rest of a message does not", by=(146,)),
            Group("4046-4053", 3, "the rest of bytes does not", by=(147,)),
            Group("4055-4065", 6, "a write as large as the quota", by=(148,), objects="4062-4065"),
            Group("4069-4083", 3, "LISTEN when there is no client", by=(72,)),
            Group("4085-4093", 4, "when the client has come and gone", by=(72,), objects="4088"),
            Group("4095-4103", 5, "after DISCONNECT", by=(72,), objects="4102-4103"),
        ],
        "test_GetOverlappedResultEx": [
            Group("4120-4122", 1, "a write waits", by=(126,)),
            Group("4124-4149", 12, "the ways to wait for it, and user APCs",
                  objects="4129-4131 4135-4137 4141-4143 4147-4149"),
        ],
        "child_process_exit_process_async": [
            Group("4164-4169", 2, "preparation: a handle of the parent", objects="4165 4169"),
            Group("4171-4175", 2, "a read waits", by=(111,)),
        ],
        "test_exit_process_async": [
            Group("4195-4211", 6, "the process that reads ends: a packet with ERROR_OPERATION_ABORTED", by=(93,),
                  objects="4199 4201 4211"),
        ],
        "synchronousIoThreadMain": [
            Group("4223-4226", 2, "LISTEN that is cancelled from another thread", by=(73,)),
        ],
        "synchronousIoThreadMain2": [
            Group("4236-4244", 3, "LISTEN waits, and ends when the client comes", by=(67,), objects="4244"),
        ],
        "test_CancelSynchronousIo": [
            Group("4258-4268", 4, "a bad handle, nothing to cancel", objects="4260-4261 4266-4267"),
            Group("4271-4285", 5, "the synchronous LISTEN of another thread is cancelled", by=(73,),
                  objects="4278 4281-4282 4285"),
            Group("4289-4302", 4, "an asynchronous one is none of them", by=(67,), objects="4297 4300-4301"),
            Group("4303-4305", 1, "a client opens", by=(67,)),
        ],
    },
}


def numbers(ranges):
    """The numbers in "1-3 7"."""
    found = []
    for part in ranges.split():
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found


def groups():
    """(program, function, group) of all."""
    return [(program, function, group) for program, functions in MAP.items() for function, own in functions.items()
            for group in own]


def present_cases():
    """The cases that have a test, by what the map calls them."""
    rows = {case.number if case.is_numbered else case.identity for case in registry.load()}
    return rows | {number for number, _ in numbered.everywhere()}


def unknown_cases(present):
    """What the map names and nobody knows."""
    return sorted({str(case) for _, _, group in groups() for case in group.by if case not in present and case not in TABLE})


def reasons_against(group, present):
    """case (None: any) -> why it does not cover the group."""
    if group.why:
        return {None: group.why}
    return {case: why_absent(case) for case in group.by if case not in present}


def why_absent(number):
    """Why a case of section 10 has no test, by the table."""
    cells = TABLE[number]
    if cells["local"].applies or cells["broker"].applies:
        return BEING_WRITTEN
    return TRANSPORT if cells["wine"].applies else cells["wine"].reason


def tally(program, present):
    """How many expectations are covered, how many are about OBJECTS, and how many wait for what."""
    found = Counter()
    for of_program, _, group in groups():
        if of_program == program:
            about_objects = len(numbers(group.objects))
            covered = any(case in present for case in group.by)
            found[OBJECTS] += about_objects
            found[COVERED if covered else next(iter(reasons_against(group, present).values()), OBJECTS)] += \
                group.expectations - about_objects
    return +found


HEADING = f"""\
## What Wine's own tests expect

Wine's pipe tests, dlls/ntdll/tests/pipe.c and dlls/kernel32/tests/pipe.c, state what Windows does. `tests/wine` runs them on the
stock Wine; here is which cases cover their expectations. The lines are those of the source of Wine {VERSION} in Debian 12. An
expectation is a call of `ok()` that a run reaches, counted once, however often it is reached.

Expectations about objects are counted apart: handles, events, status blocks, APCs, completion ports, threads and tokens are
Wine's, whatever carries the data, and only a program on Wine can see them.

"""


def row(*cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n"


def table(titles, rows):
    return row(*titles) + row(*["---"] * len(titles)) + "".join(row(*cells) for cells in rows) + "\n"


def name(case):
    return f"{case:03}" if isinstance(case, int) else case


def covered_by(group, present):
    """The last cell of a group's row."""
    parts = [", ".join(name(case) for case in group.by if case in present)]
    parts += [f"{name(case)}: {reason}" if case else reason for case, reason in reasons_against(group, present).items()]
    if not group.by and not group.why:
        parts.append("all is about objects")
    return "; ".join(filter(None, parts))


def summary(present):
    tallies = {program: tally(program, present) for program in MAP}
    fates = [COVERED, *sorted({fate for found in tallies.values() for fate in found} - {COVERED})]
    rows = [[fate, *(found[fate] for found in tallies.values())] for fate in fates]
    return table(["expectations", *MAP], [*rows, ["all", *(found.total() for found in tallies.values())]])


def section():
    """The part of docs/CONFORMANCE.md that is about Wine's tests."""
    present = present_cases()
    parts = [HEADING, summary(present)]
    for program, functions in MAP.items():
        parts.append(f"### {program}/tests/pipe.c\n\n")
        rows = [[function, group.lines, group.what, group.expectations, len(numbers(group.objects)) or "",
                 covered_by(group, present)] for function, own in functions.items() for group in own]
        parts.append(table(["function", "lines", "what is expected", "all", "objects", "covered by"], rows))
    return "".join(parts)
