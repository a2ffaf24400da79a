"""The last that the server of `support.forked_command` imports: it makes forks cheap."""

import gc
import platform

# It asks a program for the processor, once for each process.
platform.platform()
# A collection in a fork would touch, and so copy, each page with an object in it.
gc.collect()
gc.freeze()
