"""The files of one bracket → a picture and the record of how it was made."""
