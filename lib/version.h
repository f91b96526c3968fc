#ifndef SN_LIB_VERSION_H
#define SN_LIB_VERSION_H

/** What every program answers to --version. */
#define SN_VERSION "1.0"

#endif
