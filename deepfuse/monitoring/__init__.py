"""What was served and what arrived: records of pictures, and how far today's brackets are from the champion's."""
