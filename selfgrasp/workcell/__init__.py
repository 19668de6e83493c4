"""The body: four small driver protocols, motions and a judge written once over them, and ready-made
cells."""
