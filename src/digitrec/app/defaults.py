"""What `digitrec app` does unless told otherwise; loads nothing, so that the command's help can name it."""

MODEL = "cnn"
NUMBERS = "numbers"  # the network of whole numbers
SAMPLES = "my_digits"  # where the user's own samples go
PORT = 7860
MODELS, TAUGHT = "models", "mine"  # where a network that the page teaches goes, and its name
