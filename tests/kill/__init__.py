# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill: programs at work, and somebody who kills and stops whom he likes; what each knew of messages is counted all the same.

  witness.py         a file in which processes say what they have read and counted, and in which it is said who was killed
  part.py            what a part of the set-up is, and whose death excuses what
  native.py          the broker, native servers and clients
  samba.py           smbd with the module and SMB clients; stock smbd, ntpipe-samba, and clients on both sides of it
  windows.py         the bridge, Windows clients of native servers, native clients of a Windows server
  crowd.py           all of them at once: strikes, how soon all is back, what is left behind
"""
