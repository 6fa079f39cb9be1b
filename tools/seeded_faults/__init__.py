"""Small wrong changes, applied one at a time to a copy of the checkout: which test notices?"""
