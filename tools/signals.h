// SPDX-License-Identifier: Apache-2.0
#ifndef TALLYWIRE_TOOLS_SIGNALS_H_
#define TALLYWIRE_TOOLS_SIGNALS_H_

// SIGINT and SIGTERM as a question that long work asks now and then. SIGPIPE is turned off: a
// reader that has gone shows as a failed write.

namespace tallywire {

// Once, at the start of main. A second SIGINT ends the process at once.
void InstallSignalHandlers();

// Whether somebody wants the process to end.
bool StopRequested();

// Waits until StopRequested, at most so many milliseconds.
void WaitForStop(int milliseconds);

}  // namespace tallywire

#endif  // TALLYWIRE_TOOLS_SIGNALS_H_
