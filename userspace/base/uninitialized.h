/* SPDX-License-Identifier: Apache-2.0 */
/* uninitialized.h - a variable that is filled before use: the build zeroes all others. */
#ifndef WEIR_UNINITIALIZED_H
#define WEIR_UNINITIALIZED_H
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define UNINITIALIZED __attribute__((uninitialized))
#endif
#endif
#ifndef UNINITIALIZED
#define UNINITIALIZED
#endif
#endif
