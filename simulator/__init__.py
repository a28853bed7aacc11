"""Simulates the shop on the memory store and a virtual clock, with faults at port calls, by seed.

Each actor (a customer, a worker, a consumer of the bus, the watchdog) runs the shop's own code in a thread of its own,
and only one thread runs at a time: at every call to a port another one may go on, and the seed alone decides which. So
commands interleave in every way that containers can, also without nesting, which running other commands from inside a
call could not show. A switch costs about 3 microseconds, a hundredth of a command.
"""
