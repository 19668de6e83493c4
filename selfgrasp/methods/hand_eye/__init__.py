"""Hand-eye coordination (Levine et al. 2016): would the hand, moved like this from what the
pictures show now, hold something?"""
