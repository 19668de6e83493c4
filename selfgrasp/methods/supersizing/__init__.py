"""Supersizing self-supervision (Pinto & Gupta 2016): is a grasp at the centre of this patch, at
this angle, going to hold?"""
