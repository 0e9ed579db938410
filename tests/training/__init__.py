"""`make train`: the models that ship, made from the data.

Here and not in `app/`: what ships is the weights and the code that uses them; how they were made may import more.
"""
