"""The rules of the way from a state change to a socket, each with how to take it out of the code and who notices.

`make rules` takes out one after the other, in a copy, and sees every test fail that a rule names.
"""
